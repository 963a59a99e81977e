/* A Gate on a device that has no clock and no node: its owner sets a block, a host brings the rest.
 * The part of this program to begin with. */
#ifndef DEVICE_H
#define DEVICE_H

#include <ltms.h>

/* What the owner set: never what the host brings. */
typedef struct anchor {
    ltms_block_hash hash;
    uint32_t height;
} anchor;

/* The Gate with what a device adds to it. */
typedef struct device {
    ltms_gate *gate;
    anchor anchor;
    /* The time at which the counter of milliseconds would have stood at zero. */
    uint64_t zero;
} device;

/* Makes a Gate with empty tables at `memory`, under the block that the owner set, whose header the
 * host brings. */
ltms_status device_init(device *device, void *memory, size_t memory_len, const anchor *trusted,
                        const uint8_t *header, size_t header_len);

/* What time it is, when the counter stands at `ticks`. */
uint64_t device_now(const device *device, uint64_t ticks);

/* Begins without a snapshot. */
ltms_status device_begin(device *device, ltms_decision *decision, uint64_t ticks);

/* Goes on from a snapshot that the host kept. */
ltms_status device_resume(device *device, ltms_restored *restored, uint64_t ticks,
                          uint64_t at_least, const uint8_t *file, size_t len);

/* A registration of transaction `txid`, with the proof that a block which has it is in the chain. */
ltms_status device_register(device *device, ltms_decision *decision, uint64_t ticks,
                            const ltms_source *source, const ltms_txid *txid,
                            const uint8_t *envelope, size_t envelope_len, const uint8_t *proof,
                            size_t proof_len);

/* The owner sets a block that does not follow from the one before: all identities have to be proved
 * again. */
ltms_status device_doubt(device *device, uint64_t ticks, const anchor *trusted);

/* Seals what the host keeps. A product draws one, keeps it and tells nobody. */
extern const uint8_t device_key[32];

#endif
