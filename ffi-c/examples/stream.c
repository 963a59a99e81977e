/* Gates a stream of advertisements: four honest signers, and one peer that floods. */
#include <ltms.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(ltms_status status)
{
    if (status == LTMS_OK)
        return;
    fprintf(stderr, "ltms: %s\n", ltms_status_text(status));
    exit(1);
}

/* A peer id that is the SHA-256 of a key; here of no key, but of a number. */
static ltms_peer peer_of(uint8_t number)
{
    ltms_peer peer = {34, {0x12, 0x20, number}};
    return peer;
}

/* What the peer of this number sends at that time: signed with a key of its own. */
static size_t next_message(uint8_t *envelope, uint8_t number, uint64_t now)
{
    uint8_t secret[32] = {number};
    ltms_ad ad = {.struct_size = sizeof ad,
                  .created_at_ms = now,
                  .expires_at_ms = now + 3600000,
                  .type_count = 1,
                  .types = {1},
                  .peer = peer_of(number)};
    size_t len = 0;
    must(ltms_public_key_of(&ad.author, secret));
    must(ltms_ad_sign(envelope, LTMS_ENVELOPE_MAX, &len, &ad, LTMS_NETWORK_MAIN, secret));
    return len;
}

int main(void)
{
    /* From the system's randomness in a program that is no example. */
    static const uint8_t seed[16] = "16 random bytes";
    uint64_t start = 1795361000000, now = start;
    uint8_t envelope[LTMS_ENVELOPE_MAX];
    unsigned count[256] = {0};

    ltms_policy policy;
    ltms_capacity capacity = {.struct_size = sizeof capacity};
    ltms_gate *gate = NULL;
    must(ltms_policy_preset(&policy, LTMS_POLICY_LOTUS_V1, LTMS_NETWORK_MAIN));
    must(ltms_capacity_preset(&capacity, LTMS_CAPACITY_SMALL));
    must(ltms_gate_new(&gate, &capacity, &policy, seed));

    for (uint8_t number = 1; number <= 5; number++) {
        ltms_connection connection = {
            .peer = peer_of(number), .address_len = 4, .address = {9, number, 1, 1}};
        must(ltms_gate_connected(gate, now, &connection));
    }
    /* The fifth sends one every 20 ms, each of the others one in two minutes. */
    for (int tick = 0; tick < 30000; tick++, now = start + (uint64_t)tick * 20) {
        uint8_t number = tick % 6000 < 4 ? (uint8_t)(tick % 6000 + 1) : 5;
        ltms_source source = {.peer = peer_of(number), .channel = LTMS_CHANNEL_DIRECT};
        ltms_decision decision;
        size_t len = next_message(envelope, number, now);
        must(ltms_gate_screen_frame(gate, &decision, now, &source, LTMS_FRAME_DIRECT, len));
        if (decision.verdict == LTMS_ACCEPT)
            must(ltms_gate_admit_ad(gate, &decision, now, &source, envelope, len));
        count[decision.reason]++;

        ltms_event event = {.struct_size = sizeof event};
        for (;;) {
            must(ltms_gate_poll_event(gate, &event, now));
            if (event.kind == LTMS_EVENT_NONE)
                break;
            if (event.kind == LTMS_EVENT_SANCTIONED)
                printf("after %.2f s: disconnect peer %d (%s)\n", (double)(now - start) / 1000,
                       event.peer.bytes[2], ltms_strreason(event.reason));
        }
    }
    for (int reason = 0; reason < 256; reason++)
        if (count[reason])
            printf("%6u %s\n", count[reason], ltms_strreason((uint8_t)reason));
    return ltms_gate_free(&gate) != LTMS_OK;
}
