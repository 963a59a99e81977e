#include "device.h"

const uint8_t device_key[32] = {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9,
                                9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9};

/* The seed of the checked-in snapshot; drawn and kept, too. */
static const uint8_t seed[16] = {'a', ' ', 's', 'e', 'e', 'd', ' ', 'f',
                                 'o', 'r', ' ', 't', 'e', 's', 't', 's'};

static int same(const ltms_block_hash *a, const ltms_block_hash *b)
{
    uint8_t odd = 0;
    for (size_t i = 0; i < sizeof a->bytes; i++)
        odd |= a->bytes[i] ^ b->bytes[i];
    return odd == 0;
}

ltms_status device_init(device *device, void *memory, size_t memory_len, const anchor *trusted,
                        const uint8_t *header, size_t header_len)
{
    ltms_header read;
    ltms_policy policy;
    ltms_capacity capacity = {.struct_size = sizeof capacity};
    ltms_status status = ltms_header_read(&read, header, header_len);
    if (status != LTMS_OK)
        return status;
    if (!same(&read.hash, &trusted->hash))
        return LTMS_PROOF_ANCHOR;
    status = ltms_policy_preset(&policy, LTMS_POLICY_LOTUS_V1, LTMS_NETWORK_REG);
    if (status == LTMS_OK)
        status = ltms_policy_set(&policy, "clock", 5, 1);
    if (status == LTMS_OK)
        status = ltms_capacity_preset(&capacity, LTMS_CAPACITY_TINY);
    if (status == LTMS_OK)
        status = ltms_gate_init(&device->gate, memory, memory_len, &capacity, &policy, seed);
    device->anchor = *trusted;
    device->zero = read.time_ms;
    return status;
}

uint64_t device_now(const device *device, uint64_t ticks)
{
    return device->zero + ticks;
}

ltms_status device_begin(device *device, ltms_decision *decision, uint64_t ticks)
{
    return ltms_gate_set_tip(device->gate, decision, device_now(device, ticks),
                             device->anchor.height, &device->anchor.hash, device->anchor.height);
}

ltms_status device_resume(device *device, ltms_restored *restored, uint64_t ticks,
                          uint64_t at_least, const uint8_t *file, size_t len)
{
    ltms_status status = ltms_gate_restore(device->gate, restored, device_now(device, ticks), file,
                                           len, device_key, at_least);
    /* It is no earlier than when the snapshot was written. */
    if (status == LTMS_OK && restored->saved_at_ms > device_now(device, ticks))
        device->zero = restored->saved_at_ms - ticks;
    return status;
}

/* Where a proof has the 160 bytes of its block's header (docs/proof.md), once it was verified. */
static const uint8_t *header_of(const uint8_t *proof)
{
    return proof + 6 + 32 * (size_t)proof[5];
}

ltms_status device_register(device *device, ltms_decision *decision, uint64_t ticks,
                            const ltms_source *source, const ltms_txid *txid,
                            const uint8_t *envelope, size_t envelope_len, const uint8_t *proof,
                            size_t proof_len)
{
    uint64_t now = device_now(device, ticks);
    const uint8_t *header = NULL;
    ltms_lookup_ticket lookup;
    ltms_status status;
    {
        ltms_claim_ticket ticket;
        uint8_t check;
        status = ltms_gate_screen_claim(device->gate, decision, &ticket, now, source, envelope,
                                        envelope_len);
        if (status != LTMS_OK || decision->reason != LTMS_REASON_UNJUDGED)
            return status;
        status = ltms_claim_ticket_verify(&check, &ticket);
        if (status == LTMS_OK)
            status = ltms_gate_settle_claim(device->gate, decision, &lookup, now, &ticket, check);
        if (status != LTMS_OK || decision->reason != LTMS_REASON_UNJUDGED)
            return status;
    }
    {
        /* The proof stands for the question to a node. That the burn itself is in the block, and in
         * which output, is for the Gate to see. */
        ltms_proved proved;
        if (ltms_inclusion_verify(&proved, proof, proof_len, txid, 0, &device->anchor.hash,
                                  device->anchor.height) == LTMS_OK)
            header = header_of(proof);
    }
    return ltms_gate_settle_burn(device->gate, decision, now, &lookup, header,
                                 LTMS_EVIDENCE_ANCHORED);
}

ltms_status device_doubt(device *device, uint64_t ticks, const anchor *trusted)
{
    device->anchor = *trusted;
    return ltms_gate_confirm_tip(device->gate, device_now(device, ticks), trusted->height,
                                 &trusted->hash, 0);
}
