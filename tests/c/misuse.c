/* What a program does wrong gives a status each and changes nothing. */
#include "test.h"

#include <pthread.h>

static const uint8_t SEED[16] = "16 random bytes";
static uint64_t now = 1790000000000;

static ltms_policy policy_of(uint8_t network)
{
    ltms_policy policy;
    OK(ltms_policy_preset(&policy, LTMS_POLICY_LOTUS_V1, network));
    return policy;
}

static ltms_capacity tiny(void)
{
    ltms_capacity capacity = {.struct_size = sizeof capacity};
    OK(ltms_capacity_preset(&capacity, LTMS_CAPACITY_TINY));
    return capacity;
}

static ltms_peer peer_of(uint8_t number)
{
    ltms_peer peer = {34, {0x12, 0x20}};
    memset(peer.bytes + 2, number, 32);
    return peer;
}

static void names(void)
{
    CHECK(strcmp(ltms_version(), LTMS_VERSION) == 0);
    CHECK(strcmp(ltms_status_name(LTMS_SCRIPT_NOT_OP_RETURN), "ScriptNotOpReturn") == 0);
    CHECK(strlen(ltms_status_text(LTMS_NULL)) > 10);
    CHECK(strcmp(ltms_status_name(-1), "") == 0 && strcmp(ltms_status_text(19), "") == 0);
    CHECK(strcmp(ltms_strreason(LTMS_REASON_TOO_SOON), "too-soon") == 0);
    CHECK(strcmp(ltms_strreason(255), "") == 0);
}

static void memory(void)
{
    ltms_policy policy = policy_of(LTMS_NETWORK_MAIN);
    ltms_capacity capacity = tiny();
    size_t size = 0;
    OK(ltms_gate_size(&size, &capacity));
    printf("a tiny Gate takes %zu bytes\n", size);

    uint64_t *block = malloc(size + 8);
    ltms_gate *gate = NULL;
    GIVES(LTMS_NULL, ltms_gate_init(NULL, block, size, &capacity, &policy, SEED));
    GIVES(LTMS_NULL, ltms_gate_init(&gate, NULL, size, &capacity, &policy, SEED));
    GIVES(LTMS_NULL, ltms_gate_init(&gate, block, size, NULL, &policy, SEED));
    GIVES(LTMS_NULL, ltms_gate_init(&gate, block, size, &capacity, NULL, SEED));
    GIVES(LTMS_NULL, ltms_gate_init(&gate, block, size, &capacity, &policy, NULL));
    GIVES(LTMS_BUFFER_TOO_SMALL, ltms_gate_init(&gate, block, 0, &capacity, &policy, SEED));
    GIVES(LTMS_BUFFER_TOO_SMALL, ltms_gate_init(&gate, block, size - 1, &capacity, &policy, SEED));
    GIVES(LTMS_ALIGNMENT,
          ltms_gate_init(&gate, (char *)block + 4, size, &capacity, &policy, SEED));
    ltms_policy never_made = {{0}};
    GIVES(LTMS_EMPTY, ltms_gate_init(&gate, block, size, &capacity, &never_made, SEED));
    ltms_policy broken = policy;
    OK(ltms_policy_set(&broken, "keys.basic", 10, 0));
    GIVES(LTMS_POLICY_INVALID, ltms_gate_init(&gate, block, size, &capacity, &broken, SEED));
    CHECK(gate == NULL);

    /* Exactly enough is enough, and nothing is written behind it. */
    memset((char *)block + size, 0xa5, 8);
    OK(ltms_gate_init(&gate, block, size, &capacity, &policy, SEED));
    ltms_connection connection = {.peer = peer_of(1), .address_len = 4, .address = {9, 8, 7, 6}};
    for (int i = 0; i < 300; i++) {
        connection.peer = peer_of((uint8_t)i);
        connection.address[0] = (uint8_t)i;
        ltms_gate_connected(gate, now, &connection);
        ltms_subject subject = {.kind = LTMS_SUBJECT_PEER, .peer = connection.peer};
        ltms_gate_ban(gate, now, &subject, LTMS_NEVER, LTMS_REASON_MALFORMED);
    }
    for (int i = 0; i < 8; i++)
        CHECK(((unsigned char *)block)[size + i] == 0xa5);

    ltms_gate *again = gate;
    OK(ltms_gate_free(&gate));
    CHECK(gate == NULL);
    OK(ltms_gate_free(&gate));
    /* The memory is still there, but no Gate in it. */
    GIVES(LTMS_EMPTY, ltms_gate_free(&again));
    ltms_decision decision;
    GIVES(LTMS_EMPTY, ltms_gate_screen_connection(again, &decision, now, &connection));
    GIVES(LTMS_NULL, ltms_gate_free(NULL));
    free(block);
}

static void struct_sizes(void)
{
    ltms_capacity capacity = tiny();
    size_t size;
    capacity.struct_size = 0;
    GIVES(LTMS_STRUCT_SIZE, ltms_gate_size(&size, &capacity));
    GIVES(LTMS_STRUCT_SIZE, ltms_capacity_preset(&capacity, LTMS_CAPACITY_TINY));
    capacity.struct_size = sizeof capacity - 1;
    GIVES(LTMS_STRUCT_SIZE, ltms_gate_size(&size, &capacity));

    /* A later program's struct, with a field that this library does not know. */
    struct {
        ltms_capacity known;
        uint32_t unknown;
    } later = {.known = tiny()};
    later.known.struct_size = sizeof later;
    OK(ltms_gate_size(&size, &later.known));
    later.unknown = 1;
    GIVES(LTMS_STRUCT_SIZE, ltms_gate_size(&size, &later.known));
    OK(ltms_capacity_preset(&later.known, LTMS_CAPACITY_NODE));
    CHECK(later.unknown == 0 && later.known.struct_size == sizeof later);

    later.known.struct_size = UINT32_MAX;
    GIVES(LTMS_STRUCT_SIZE, ltms_gate_size(&size, &later.known));
    GIVES(LTMS_STRUCT_SIZE, ltms_capacity_preset(&later.known, LTMS_CAPACITY_NODE));

    /* More rows than there is memory. */
    capacity = tiny();
    capacity.identities = capacity.keys = capacity.peers = UINT32_MAX;
    ltms_status status = ltms_gate_size(&size, &capacity);
    CHECK(status == (sizeof size == 8 ? LTMS_OK : LTMS_LENGTH));
    ltms_policy policy = policy_of(LTMS_NETWORK_MAIN);
    ltms_gate *gate = NULL;
    uint64_t little[8];
    status = ltms_gate_init(&gate, little, sizeof little, &capacity, &policy, SEED);
    CHECK(status == (sizeof size == 8 ? LTMS_BUFFER_TOO_SMALL : LTMS_LENGTH));
    CHECK(gate == NULL);
}

static void policies(void)
{
    ltms_policy policy = policy_of(LTMS_NETWORK_REG), other = policy, empty = {{0}};
    uint64_t value = 7;
    GIVES(LTMS_VALUE, ltms_policy_preset(&policy, 2, LTMS_NETWORK_MAIN));
    GIVES(LTMS_VALUE, ltms_policy_preset(&policy, LTMS_POLICY_LOTUS_V1, 3));
    GIVES(LTMS_UNKNOWN_NAME, ltms_policy_set(&policy, "keys.none", 9, 1));
    GIVES(LTMS_UNKNOWN_NAME, ltms_policy_set(&policy, NULL, 0, 1));
    GIVES(LTMS_NULL, ltms_policy_set(&policy, NULL, 1, 1));
    GIVES(LTMS_TEXT, ltms_policy_set(&policy, "\xff", 1, 1));
    GIVES(LTMS_LENGTH, ltms_policy_set(&policy, "x", SIZE_MAX, 1));
    GIVES(LTMS_VALUE, ltms_policy_set(&policy, "keys.basic", 10, 65536));
    GIVES(LTMS_EMPTY, ltms_policy_set(&empty, "keys.basic", 10, 1));
    GIVES(LTMS_EMPTY, ltms_policy_get(&value, &empty, "keys.basic", 10));
    CHECK(value == 7);
    OK(ltms_policy_get(&value, &policy, "keys.basic", 10));
    CHECK(value == 10);

    char field[64] = "untouched";
    OK(ltms_policy_validate(&policy, field));
    CHECK(strcmp(field, "untouched") == 0);
    uint8_t before[32], after[32];
    OK(ltms_policy_hash(before, &policy));
    OK(ltms_policy_set(&policy, "keys.basic", 10, 0));
    OK(ltms_policy_hash(after, &policy));
    CHECK(memcmp(before, after, 32) != 0);
    GIVES(LTMS_POLICY_INVALID, ltms_policy_validate(&policy, NULL));
    GIVES(LTMS_POLICY_INVALID, ltms_policy_validate(&policy, field));
    CHECK(strcmp(field, "keys.basic") == 0);
    OK(ltms_policy_hash(after, &other));
    CHECK(memcmp(before, after, 32) == 0);
}

static void tickets(void)
{
    ltms_policy policy = policy_of(LTMS_NETWORK_MAIN);
    ltms_capacity capacity = tiny();
    ltms_gate *gate = NULL;
    OK(ltms_gate_new(&gate, &capacity, &policy, SEED));

    ltms_decision decision;
    ltms_ad_ticket ticket = {{0}};
    uint8_t check = 9;
    GIVES(LTMS_EMPTY, ltms_ad_ticket_verify(&check, &ticket));
    GIVES(LTMS_EMPTY, ltms_gate_settle_ad(gate, &decision, now, &ticket, LTMS_SIGNATURE_VALID));
    GIVES(LTMS_VALUE, ltms_gate_settle_ad(gate, &decision, now, &ticket, 3));
    GIVES(LTMS_NULL, ltms_gate_settle_ad(gate, &decision, now, NULL, LTMS_SIGNATURE_VALID));

    /* Bytes of a peer are a decision, not an error; nobody is connected, so it costs nobody. */
    ltms_source source = {.peer = peer_of(1), .channel = LTMS_CHANNEL_DIRECT};
    OK(ltms_gate_screen_ad(gate, &decision, &ticket, now, &source, NULL, 0));
    CHECK(decision.verdict == LTMS_REJECT && decision.reason == LTMS_REASON_MALFORMED);
    GIVES(LTMS_EMPTY, ltms_ad_ticket_verify(&check, &ticket));
    GIVES(LTMS_NULL, ltms_gate_screen_ad(gate, &decision, &ticket, now, &source, NULL, 1));
    source.channel = 3;
    GIVES(LTMS_VALUE, ltms_gate_screen_ad(gate, &decision, &ticket, now, &source, NULL, 0));
    source.channel = LTMS_CHANNEL_DIRECT;
    source.peer.len = 40;
    GIVES(LTMS_PEER_ID, ltms_gate_screen_ad(gate, &decision, &ticket, now, &source, NULL, 0));
    source.peer.len = 33;
    GIVES(LTMS_PEER_ID, ltms_gate_admit_ad(gate, &decision, now, &source, NULL, 0));
    CHECK(check == 9);
    OK(ltms_gate_free(&gate));
}

/* Two threads at one Gate, against its contract: one of them gets LTMS_BUSY, if they meet. */
static void *hammer(void *argument)
{
    ltms_gate *gate = argument;
    uintptr_t busy = 0;
    for (int i = 0; i < 20000; i++) {
        ltms_connection connection = {.peer = peer_of((uint8_t)i)};
        ltms_decision decision;
        ltms_status status = ltms_gate_screen_connection(gate, &decision, now, &connection);
        busy += status == LTMS_BUSY;
        if (status != LTMS_OK && status != LTMS_BUSY)
            return (void *)UINTPTR_MAX;
    }
    return (void *)busy;
}

static void threads(void)
{
    ltms_policy policy = policy_of(LTMS_NETWORK_MAIN);
    ltms_capacity capacity = tiny();
    ltms_gate *gate = NULL;
    OK(ltms_gate_new(&gate, &capacity, &policy, SEED));
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, hammer, gate) == 0);
    uintptr_t here = (uintptr_t)hammer(gate);
    void *there = NULL;
    pthread_join(thread, &there);
    CHECK(here != UINTPTR_MAX && (uintptr_t)there != UINTPTR_MAX);
    printf("two threads met %zu times\n", (size_t)(here + (uintptr_t)there));
    OK(ltms_gate_free(&gate));
}

int main(void)
{
    names();
    memory();
    struct_sizes();
    policies();
    tickets();
    threads();
    printf("%d failures\n", failures);
    return failures != 0;
}
