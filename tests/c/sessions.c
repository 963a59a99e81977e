/* Signing sessions from the announcement to their end, and what a program can do wrong with them. */
#include "test.h"

static const uint8_t SEED[16] = "16 random bytes";
static const uint8_t OURS[32] = {1, 2, 3}, THEIRS[32] = {1, 2, 4};
static const uint64_t NOW = 1795361000000;
static ltms_gate *gate;
static ltms_sessions *sessions;

static ltms_peer peer_of(uint8_t number)
{
    ltms_peer peer = {34, {0x12, 0x20}};
    memset(peer.bytes + 2, number, 32);
    return peer;
}

/* What a step is answered; `from` 0 is our own node. */
static uint8_t step(uint64_t now, uint8_t from, const uint8_t *session, ltms_step step)
{
    ltms_decision decision = {0}, said = {0};
    ltms_peer peer = peer_of(from);
    OK(ltms_sessions_screen(sessions, gate, &said, now, from ? &peer : NULL, session, &step));
    OK(ltms_sessions_step(sessions, gate, &decision, now, from ? &peer : NULL, session, &step));
    CHECK(said.reason == decision.reason);
    return decision.reason;
}

static ltms_session_event event(void)
{
    ltms_session_event event = {0};
    OK(ltms_sessions_poll_event(sessions, &event));
    return event;
}

static ltms_session info(const uint8_t *session)
{
    ltms_session info = {.struct_size = sizeof info};
    OK(ltms_sessions_get(sessions, &info, session));
    return info;
}

/* Announced by our own node, for itself and peer 2. */
static ltms_announcement announcement(uint8_t salt)
{
    ltms_announcement made = {.created_at_ms = NOW, .digest = {salt}, .signer_count = 2,
                              .peer = peer_of(1)};
    OK(ltms_public_key_of(&made.signers[0], OURS));
    OK(ltms_public_key_of(&made.signers[1], THEIRS));
    if (memcmp(&made.signers[0], &made.signers[1], sizeof made.signers[0]) > 0) {
        ltms_public_key first = made.signers[0];
        made.signers[0] = made.signers[1];
        made.signers[1] = first;
        made.announcer = 1;
    }
    return made;
}

static void messages(uint8_t *session, ltms_announcement *made)
{
    uint8_t body[LTMS_ANNOUNCEMENT_MAX], read_session[16], hash[32], valid = 9;
    size_t len = 0;
    ltms_signature signature;
    ltms_announcement read;
    GIVES(LTMS_KEY_OTHER, ltms_announcement_sign(body, sizeof body, &len, session, &signature, made,
                                                 LTMS_NETWORK_MAIN, THEIRS));
    OK(ltms_announcement_sign(body, sizeof body, &len, session, &signature, made, LTMS_NETWORK_MAIN,
                              OURS));
    GIVES(LTMS_BUFFER_TOO_SMALL,
          ltms_announcement_sign(body, len - 1, &len, session, &signature, made, LTMS_NETWORK_MAIN,
                                 OURS));
    OK(ltms_announcement_sign(body, sizeof body, &len, session, &signature, made, LTMS_NETWORK_MAIN,
                              OURS));
    OK(ltms_announcement_read(&read, read_session, hash, LTMS_NETWORK_MAIN, body, len));
    CHECK(memcmp(session, read_session, 16) == 0 && memcmp(&read, made, sizeof read) == 0);
    OK(ltms_schnorr_verify(&valid, &read.signers[read.announcer], hash, &signature));
    CHECK(valid == 1);
    GIVES(LTMS_WIRE_SHAPE,
          ltms_announcement_read(&read, read_session, hash, LTMS_NETWORK_MAIN, body, len - 1));
    /* As many signers as there can be fit, whatever they are. */
    ltms_announcement full = *made;
    full.signer_count = LTMS_SIGNERS_MAX;
    full.announcer = 0;
    for (uint8_t i = 0; i < LTMS_SIGNERS_MAX; i++)
        full.signers[i] = (ltms_public_key){{4, i}};
    OK(ltms_public_key_of(&full.signers[0], OURS));
    OK(ltms_announcement_sign(body, sizeof body, &len, read_session, &signature, &full,
                              LTMS_NETWORK_MAIN, OURS));
    OK(ltms_announcement_read(&read, read_session, hash, LTMS_NETWORK_MAIN, body, len));
    CHECK(read.signer_count == LTMS_SIGNERS_MAX && len + 8 < sizeof body);
    ltms_announcement bad = *made;
    bad.signer_count = 1;
    GIVES(LTMS_WIRE_SIGNERS, ltms_announcement_sign(body, sizeof body, &len, read_session,
                                                    &signature, &bad, LTMS_NETWORK_MAIN, OURS));
    bad.signer_count = LTMS_SIGNERS_MAX + 1;
    GIVES(LTMS_LENGTH, ltms_announcement_sign(body, sizeof body, &len, read_session, &signature,
                                              &bad, LTMS_NETWORK_MAIN, OURS));

    ltms_peer joiner = peer_of(2), other = peer_of(3);
    uint8_t a[32], b[32];
    OK(ltms_join_hash(a, LTMS_NETWORK_MAIN, session, &made->signers[0], &joiner));
    OK(ltms_join_hash(b, LTMS_NETWORK_MAIN, session, &made->signers[0], &other));
    CHECK(memcmp(a, b, 32) != 0);
    OK(ltms_contribution_hash(a, LTMS_NETWORK_MAIN, session, LTMS_PHASE_NONCE, a, 32));
    GIVES(LTMS_VALUE,
          ltms_contribution_hash(a, LTMS_NETWORK_MAIN, session, LTMS_PHASE_FINISH, a, 32));
}

static void one_that_completes(void)
{
    ltms_announcement made = announcement(1);
    uint8_t session[16], us = made.announcer, them = (uint8_t)(1 - us);
    messages(session, &made);
    CHECK(step(NOW, 0, session, (ltms_step){.kind = LTMS_STEP_JOIN}) ==
          LTMS_REASON_UNKNOWN_SESSION);
    ltms_step announce = {.kind = LTMS_STEP_ANNOUNCE, .announcement = &made};
    CHECK(step(NOW, 0, session, announce) == LTMS_REASON_CLEAR);
    CHECK(step(NOW, 0, session, announce) == LTMS_REASON_ALREADY_KNOWN);
    ltms_session now = info(session);
    CHECK(now.phase == LTMS_PHASE_JOIN && now.signers == 2 && now.has_own && now.own == us);
    CHECK(now.announcer == us && now.digest[0] == 1 && now.opened_at_ms == NOW);
    ltms_step join = {.kind = LTMS_STEP_JOIN, .signer = them};
    CHECK(step(NOW, 2, session, join) == LTMS_REASON_CLEAR);
    ltms_identity identity;
    ltms_peer peer, joined = peer_of(2);
    OK(ltms_sessions_signer(sessions, &identity, &peer, session, them));
    CHECK(memcmp(&peer, &joined, sizeof peer) == 0 && identity.bytes[0] == 0);
    GIVES(LTMS_CAPACITY_UNKNOWN, ltms_sessions_signer(sessions, &identity, &peer, session, 2));
    for (uint8_t phase = LTMS_PHASE_NONCE; phase <= LTMS_PHASE_PARTIAL_SIGNATURE; phase++) {
        ltms_session_event begun = event();
        CHECK(begun.kind == LTMS_SESSION_BEGUN && begun.phase == phase);
        CHECK(memcmp(begun.session, session, 16) == 0 && event().kind == LTMS_SESSION_NONE);
        ltms_step contribute = {.kind = LTMS_STEP_CONTRIBUTE, .signer = us, .phase = phase};
        CHECK(step(NOW, 0, session, contribute) == LTMS_REASON_CLEAR);
        CHECK(info(session).contributed == 1u << us);
        CHECK(step(NOW, 2, session, (ltms_step){.kind = LTMS_STEP_ACKNOWLEDGE, .phase = phase}) ==
              LTMS_REASON_CLEAR);
        CHECK(info(session).acknowledged & 1u << them);
        CHECK(info(session).phase == phase);
        contribute.signer = them;
        CHECK(step(NOW, 2, session, contribute) == LTMS_REASON_CLEAR);
    }
    ltms_session_event begun = event();
    CHECK(begun.kind == LTMS_SESSION_BEGUN && begun.phase == LTMS_PHASE_FINISH);
    CHECK(step(NOW, 0, session, (ltms_step){.kind = LTMS_STEP_COMPLETE}) == LTMS_REASON_CLEAR);
    ltms_session_event ended = event();
    CHECK(ended.kind == LTMS_SESSION_ENDED && ended.cause == LTMS_OUTCOME_COMPLETED);
    CHECK(!ended.has_signer && event().kind == LTMS_SESSION_NONE);
    CHECK(info(session).phase == LTMS_PHASE_ENDED);
}

/* A second session runs out of time, and a third loses its signer. */
static void others_that_fail(void)
{
    for (uint8_t salt = 2; salt < 4; salt++) {
        ltms_announcement made = announcement(salt);
        ltms_peer peer = peer_of(2);
        uint8_t session[16], body[LTMS_ANNOUNCEMENT_MAX];
        size_t len = 0;
        uint64_t deadline = 0;
        ltms_signature signature;
        OK(ltms_announcement_sign(body, sizeof body, &len, session, &signature, &made,
                                  LTMS_NETWORK_MAIN, OURS));
        ltms_step announce = {.kind = LTMS_STEP_ANNOUNCE, .announcement = &made};
        CHECK(step(NOW, 0, session, announce) == LTMS_REASON_CLEAR);
        OK(ltms_sessions_next_deadline(sessions, &deadline));
        CHECK(deadline > NOW && deadline != LTMS_NEVER && deadline == info(session).deadline_ms);
        ltms_session_event ended;
        if (salt == 2) {
            OK(ltms_sessions_handle_timeout(sessions, gate, deadline - 1));
            CHECK(event().kind == LTMS_SESSION_NONE);
            OK(ltms_sessions_handle_timeout(sessions, gate, deadline));
            ended = event();
            CHECK(ended.kind == LTMS_SESSION_ENDED && ended.cause == LTMS_OUTCOME_TIMEOUT);
        } else {
            OK(ltms_sessions_disconnected(sessions, gate, NOW, &peer));
            ltms_step abort_ = {.kind = LTMS_STEP_ABORT, .cause = LTMS_OUTCOME_ABORT,
                                .signer = made.announcer, .has_signer = 1};
            CHECK(step(NOW, 0, session, abort_) == LTMS_REASON_CLEAR);
            ended = event();
            CHECK(ended.kind == LTMS_SESSION_ENDED && ended.cause == LTMS_OUTCOME_ABORT);
            CHECK(ended.has_signer && ended.signer == made.announcer);
        }
    }
    uint8_t before[16] = {9};
    OK(ltms_sessions_restore_hold(sessions, NOW, before, NULL, NOW + 1000));
    CHECK(info(before).phase == LTMS_PHASE_ENDED);
}

static void misuse(void)
{
    size_t size = 0;
    uint64_t block[2048];
    uint8_t session[16] = {77};
    ltms_sessions *made = NULL;
    ltms_decision decision;
    ltms_session got = {.struct_size = sizeof got};
    ltms_step bad = {.kind = 99};
    OK(ltms_sessions_size(&size, 1));
    CHECK(size <= sizeof block);
    GIVES(LTMS_LENGTH, ltms_sessions_size(&size, SIZE_MAX));
    GIVES(LTMS_NULL, ltms_sessions_init(NULL, block, size, 1));
    GIVES(LTMS_NULL, ltms_sessions_init(&made, NULL, size, 1));
    GIVES(LTMS_ALIGNMENT, ltms_sessions_init(&made, (char *)block + 4, size, 1));
    GIVES(LTMS_BUFFER_TOO_SMALL, ltms_sessions_init(&made, block, size - 1, 1));
    GIVES(LTMS_BUFFER_TOO_SMALL, ltms_sessions_init(&made, block, 0, 1));
    CHECK(made == NULL);
    memset(block, 0, sizeof block);
    GIVES(LTMS_EMPTY, ltms_sessions_get((ltms_sessions *)block, &got, session));
    GIVES(LTMS_NULL, ltms_sessions_get(NULL, &got, session));
    GIVES(LTMS_CAPACITY_UNKNOWN, ltms_sessions_get(sessions, &got, session));
    got.struct_size = 4;
    GIVES(LTMS_STRUCT_SIZE, ltms_sessions_get(sessions, &got, session));
    GIVES(LTMS_VALUE, ltms_sessions_step(sessions, gate, &decision, NOW, NULL, session, &bad));
    bad.kind = LTMS_STEP_ANNOUNCE;
    GIVES(LTMS_NULL, ltms_sessions_step(sessions, gate, &decision, NOW, NULL, session, &bad));
    bad = (ltms_step){.kind = LTMS_STEP_BEGIN, .phase = 9};
    GIVES(LTMS_VALUE, ltms_sessions_step(sessions, gate, &decision, NOW, NULL, session, &bad));
    bad = (ltms_step){.kind = LTMS_STEP_JOIN};
    GIVES(LTMS_NULL, ltms_sessions_step(sessions, NULL, &decision, NOW, NULL, session, &bad));
    ltms_peer nobody = {0};
    GIVES(LTMS_PEER_ID, ltms_sessions_step(sessions, gate, &decision, NOW, &nobody, session, &bad));
}

int main(void)
{
    ltms_policy policy;
    ltms_capacity capacity = {.struct_size = sizeof capacity};
    size_t size = 0;
    OK(ltms_policy_preset(&policy, LTMS_POLICY_LOTUS_V1, LTMS_NETWORK_MAIN));
    OK(ltms_capacity_preset(&capacity, LTMS_CAPACITY_TINY));
    OK(ltms_gate_new(&gate, &capacity, &policy, SEED));
    OK(ltms_sessions_size(&size, 4));
    void *memory = malloc(size);
    OK(ltms_sessions_init(&sessions, memory, size, 4));
    for (uint8_t number = 1; number < 3; number++) {
        ltms_connection connection = {peer_of(number), 4, {198, 51, 100, number}, LTMS_INBOUND};
        OK(ltms_gate_connected(gate, NOW, &connection));
    }
    one_that_completes();
    others_that_fail();
    misuse();
    drop_gate(&gate);
    free(memory);
    printf("%zu bytes for four sessions, %d failures\n", size, failures);
    return failures != 0;
}
