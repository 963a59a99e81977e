/* A device's life, as src/story.rs tells it: what is printed under the same name has to be the same.
 * After its restart the device has the same memory again, as a real one would. */
#include "board.h"
#include "device.h"

/* What the host brings, by ../inputs.py. */
#include "inputs.h"

#define HOUR 3600000u

/* The Gate's, and where a snapshot is put together before it goes to flash or to the host. */
static uint64_t memory[17 * 1024 / 8];
static uint8_t snapshot[14 * 1024 + 512];

static device coordinator;
static ltms_txid burned;
static anchor trusted, newer;

static void copy(uint8_t *to, const uint8_t *from, size_t len)
{
    while (len-- > 0)
        *to++ = *from++;
}

static ltms_source source_of(const uint8_t *peer, uint8_t len)
{
    ltms_source source = {.channel = LTMS_CHANNEL_DIRECT};
    source.peer.len = len;
    copy(source.peer.bytes, peer, len);
    return source;
}

static anchor anchor_of(const uint8_t *hash, uint32_t height)
{
    anchor made = {.height = height};
    copy(made.hash.bytes, hash, sizeof made.hash.bytes);
    return made;
}

static void decided(const char *name, ltms_status status, const ltms_decision *decision)
{
    /* A status is a mistake of this program's, and no reason has such a number. */
    is(name, status == LTMS_OK ? decision->reason : 1000 + (uint64_t)status);
}

/* The checks without a Gate. A vector is a key, a hash, a signature, and whether it holds. */
#define VECTOR 130

static void signatures(void)
{
    cost worst = {0, 0}, took;
    uint64_t wrong = 0;
    for (const uint8_t *vector = SIGNATURES; vector < SIGNATURES + sizeof SIGNATURES;
         vector += VECTOR) {
        ltms_public_key key;
        ltms_signature signature;
        uint8_t valid = 2;
        copy(key.bytes, vector, sizeof key.bytes);
        copy(signature.bytes, vector + 65, sizeof signature.bytes);
        MEASURED(took, ltms_schnorr_verify(&valid, &key, vector + 33, &signature));
        wrong += valid != vector[VECTOR - 1];
        worst.stack = took.stack > worst.stack ? took.stack : worst.stack;
        if (took.instructions > worst.instructions)
            worst.instructions = took.instructions;
    }
    is("signatures", sizeof SIGNATURES / VECTOR);
    is("signatures misjudged", wrong);
    print_cost("signature verified", worst);
}

static ltms_proved proved;

static int proves(const uint8_t *proof, const anchor *anchor)
{
    return ltms_inclusion_verify(&proved, proof, sizeof PROOF, &burned, 0, &anchor->hash,
                                 anchor->height) == LTMS_OK;
}

static void proofs(void)
{
    int holds;
    uint64_t accepted = 0;
    COST("proof verified", holds = proves(PROOF, &trusted));
    is("proof holds", (uint64_t)holds);
    is("proof holds for another anchor", (uint64_t)proves(PROOF, &newer));
    copy(snapshot, PROOF, sizeof PROOF);
    for (size_t at = 0; at < sizeof PROOF; at += 7) {
        snapshot[at] ^= 1;
        accepted += (uint64_t)proves(snapshot, &trusted);
        snapshot[at] ^= 1;
    }
    is("damaged proofs accepted", accepted);
}

/* Makes the device, under that header. */
static ltms_status made(const uint8_t *header, size_t len)
{
    return device_init(&coordinator, memory, sizeof memory, &trusted, header, len);
}

static ltms_status connect(const ltms_source *source)
{
    ltms_connection connection = {.peer = source->peer, .direction = LTMS_OUTBOUND};
    return ltms_gate_connected(coordinator.gate, device_now(&coordinator, 0), &connection);
}

/* A registration of the host's; `envelope` and `proof` are as long as those of the inputs. */
static void registers(const char *name, const ltms_source *source, const uint8_t *envelope,
                      const uint8_t *proof)
{
    ltms_decision decision;
    decided(name,
            device_register(&coordinator, &decision, 0, source, &burned, envelope,
                            sizeof REGISTRATION, proof, sizeof PROOF),
            &decision);
}

static void admits(const char *name, const ltms_source *source, const uint8_t *envelope, size_t len)
{
    ltms_decision decision;
    decided(name,
            ltms_gate_admit_ad(coordinator.gate, &decision, device_now(&coordinator, 0), source,
                               envelope, len),
            &decision);
}

static int is_registered(void)
{
    ltms_registered registered;
    ltms_identity identity;
    copy(identity.bytes, IDENTITY, sizeof identity.bytes);
    return ltms_gate_identity(coordinator.gate, &registered, &identity) == LTMS_OK;
}

/* Until the device is switched off. Returns how long the snapshot is. */
static size_t first_life(const ltms_source *source, const ltms_source *other)
{
    ltms_decision decision;
    ltms_status status;
    ltms_capacity capacity = {.struct_size = sizeof capacity};
    size_t bytes = 0, found = 0;
    ltms_found listed[8];
    ltms_criteria any = {.has_amount = 0};
    ltms_event event = {.struct_size = sizeof event};
    ltms_subject subject = {.kind = LTMS_SUBJECT_PEER, .peer = other->peer};

    if (ltms_capacity_preset(&capacity, LTMS_CAPACITY_TINY) == LTMS_OK
        && ltms_gate_size(&bytes, &capacity) == LTMS_OK)
        size("Gate with its tables", bytes);
    is("begins under another header", made(NEWER_HEADER, sizeof NEWER_HEADER) == LTMS_OK);
    COST("Gate made", status = made(ANCHOR_HEADER, sizeof ANCHOR_HEADER));
    if (status != LTMS_OK)
        return 0;
    status = device_begin(&coordinator, &decision, 0);
    decided("anchor", status, &decision);
    is("time", device_now(&coordinator, 0));
    is("connected", connect(source) == LTMS_OK);
    is("connected", connect(other) == LTMS_OK);

    /* Nobody is known yet, and no wrong proof changes that. */
    admits("advertisement before the registration", source, AD_OF_IDENTITY, sizeof AD_OF_IDENTITY);
    copy(snapshot, PROOF, sizeof PROOF);
    snapshot[sizeof PROOF - 1] ^= 1;
    registers("registration, links forged", source, REGISTRATION, snapshot);
    copy(snapshot, REGISTRATION, sizeof REGISTRATION);
    snapshot[sizeof REGISTRATION - 1] ^= 1;
    registers("registration, signature wrong", source, snapshot, PROOF);
    is("identities", (uint64_t)is_registered());
    COST("identity registered",
         status = device_register(&coordinator, &decision, 0, source, &burned, REGISTRATION,
                                  sizeof REGISTRATION, PROOF, sizeof PROOF));
    decided("registration", status, &decision);
    registers("registration again", source, REGISTRATION, PROOF);

    admits("advertisement of the identity", source, AD_OF_IDENTITY, sizeof AD_OF_IDENTITY);
    admits("the same again", source, AD_OF_IDENTITY, sizeof AD_OF_IDENTITY);
    admits("a second one too soon", source, AD_SOON_AFTER, sizeof AD_SOON_AFTER);
    admits("a stranger's", source, AD_OF_STRANGER, sizeof AD_OF_STRANGER);
    admits("a stranger's, signature wrong", source, AD_BROKEN, sizeof AD_BROKEN);
    admits("a stranger's from elsewhere", other, AD_ELSEWHERE, sizeof AD_ELSEWHERE);
    admits("expired", source, AD_EXPIRED, sizeof AD_EXPIRED);
    COST("advertisement admitted",
         status = ltms_gate_admit_ad(coordinator.gate, &decision, device_now(&coordinator, 0),
                                     source, AD_AHEAD, sizeof AD_AHEAD));
    decided("two hours ahead, longest, delegated", status, &decision);
    admits("further ahead", source, AD_TOO_FAR_AHEAD, sizeof AD_TOO_FAR_AHEAD);
    admits("of an identity that nobody knows", source, AD_OF_UNKNOWN, sizeof AD_OF_UNKNOWN);
    admits("no advertisement", source, PROOF, sizeof PROOF);
    status = ltms_gate_find(coordinator.gate, listed, 8, &found, device_now(&coordinator, 0), &any);
    is("listed", status == LTMS_OK ? found : 1000 + (uint64_t)status);

    is("banned", ltms_gate_ban(coordinator.gate, device_now(&coordinator, 0), &subject, LTMS_NEVER,
                               LTMS_REASON_MALFORMED) == LTMS_OK);
    do
        status = ltms_gate_poll_event(coordinator.gate, &event, device_now(&coordinator, HOUR));
    while (status == LTMS_OK && event.kind != LTMS_EVENT_NONE);
    status = ltms_gate_write_snapshot(coordinator.gate, snapshot, sizeof snapshot, &bytes,
                                      device_key, 7);
    if (status != LTMS_OK || ltms_gate_free(&coordinator.gate) != LTMS_OK)
        return 0;
    size("snapshot of few rows", bytes);
    return bytes;
}

/* Whether the device takes that snapshot. */
static int resumes(ltms_restored *restored, uint64_t at_least, size_t len)
{
    *restored = (ltms_restored){.struct_size = sizeof *restored};
    return device_resume(&coordinator, restored, 0, at_least, snapshot, len) == LTMS_OK;
}

static void second_life(const ltms_source *source, const ltms_source *other, size_t len,
                        uint64_t before)
{
    ltms_decision decision;
    ltms_status status;
    ltms_restored restored;
    ltms_connection banned = {.peer = other->peer, .direction = LTMS_OUTBOUND};
    ltms_subject subject = {.kind = LTMS_SUBJECT_IDENTITY};
    ltms_standing standing = {.struct_size = sizeof standing};
    int resumed;

    if (made(ANCHOR_HEADER, sizeof ANCHOR_HEADER) != LTMS_OK)
        return;
    is("an older snapshot", (uint64_t)resumes(&restored, 8, len));
    snapshot[len / 2] ^= 1;
    is("a changed snapshot", (uint64_t)resumes(&restored, 7, len));
    snapshot[len / 2] ^= 1;
    COST("snapshot of few rows restored", resumed = resumes(&restored, 7, len));
    if (!resumed)
        return;
    is("identities restored", restored.identities);
    is("bans restored", restored.bans);
    is("it is later than before", device_now(&coordinator, 0) >= before);
    status = ltms_gate_screen_connection(coordinator.gate, &decision, device_now(&coordinator, 0),
                                         &banned);
    decided("the banned peer", status, &decision);
    is("connected", connect(source) == LTMS_OK);
    admits("a replay after the restart", source, AD_OF_IDENTITY, sizeof AD_OF_IDENTITY);

    /* The owner sets a newer block, of which the device does not know that it follows. */
    is("newer anchor without links", device_doubt(&coordinator, HOUR, &newer) == LTMS_OK);
    copy(subject.identity.bytes, IDENTITY, sizeof subject.identity.bytes);
    status = ltms_gate_standing(coordinator.gate, &standing, device_now(&coordinator, HOUR),
                                &subject);
    is("suspended", status == LTMS_OK ? standing.suspended : 1000 + (uint64_t)status);
}

/* What a released version wrote. */
static void released(void)
{
    ltms_restored restored = {.struct_size = sizeof restored};
    if (ltms_gate_free(&coordinator.gate) != LTMS_OK
        || made(ANCHOR_HEADER, sizeof ANCHOR_HEADER) != LTMS_OK
        || ltms_gate_restore(coordinator.gate, &restored, SNAPSHOT_AT, SNAPSHOT, sizeof SNAPSHOT,
                             NULL, 0) != LTMS_OK)
        return;
    is("identities of a released version's snapshot", restored.identities);
    is("bans of a released version's snapshot", restored.bans);
    is("rows dropped of it", restored.dropped_identities + restored.dropped_keys
                                     + restored.dropped_bans + restored.dropped_others > 0);
}

int main(void)
{
    ltms_source source = source_of(PEER, sizeof PEER);
    ltms_source other = source_of(OTHER_PEER, sizeof OTHER_PEER);
    size_t len;
    uint64_t before;

    copy(burned.bytes, TXID, sizeof burned.bytes);
    trusted = anchor_of(ANCHOR, ANCHOR_HEIGHT);
    newer = anchor_of(NEWER, NEWER_HEIGHT);
    start_timer();
    signatures();
    proofs();
    len = first_life(&source, &other);
    before = device_now(&coordinator, HOUR);
    if (len > 0)
        second_life(&source, &other, len, before);
    released();
    print("done\n");
    return 0;
}
