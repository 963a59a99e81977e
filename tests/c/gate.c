/* What a node does with a Gate: connections, advertisements, burns, bans, a restart. */
#include "test.h"
#include "vectors.h"


static const uint8_t SEED[16] = "16 random bytes";
static const uint8_t SECRET[32] = {1, 2, 3}, OTHER_SECRET[32] = {1, 2, 4};
static const uint64_t NOW = 1795361000000;

static ltms_gate *gate_of(uint8_t network, uint8_t preset)
{
    ltms_gate *gate = NULL;
    ltms_policy policy;
    ltms_capacity capacity = {.struct_size = sizeof capacity};
    OK(ltms_policy_preset(&policy, LTMS_POLICY_LOTUS_V1, network));
    OK(ltms_capacity_preset(&capacity, preset));
    OK(ltms_gate_new(&gate, &capacity, &policy, SEED));
    return gate;
}

static ltms_peer peer_of(uint8_t number)
{
    ltms_peer peer = {34, {0x12, 0x20}};
    memset(peer.bytes + 2, number, 32);
    return peer;
}

static void connect(ltms_gate *gate, uint64_t now, ltms_peer peer)
{
    ltms_connection connection = {peer, 4, {198, 51, 100, 7}, LTMS_INBOUND};
    ltms_decision decision;
    OK(ltms_gate_screen_connection(gate, &decision, now, &connection));
    CHECK(decision.reason == LTMS_REASON_CLEAR && decision.verdict == LTMS_ACCEPT);
    OK(ltms_gate_connected(gate, now, &connection));
}

/* The advertisement of a stranger's. */
static size_t advertise(uint8_t *envelope, ltms_peer peer, uint64_t now, const char *nickname)
{
    ltms_ad ad = {.struct_size = sizeof ad,
                  .type_count = 2,
                  .types = {1, 7},
                  .created_at_ms = now,
                  .expires_at_ms = now + 3600000,
                  .nickname = {(const uint8_t *)nickname, strlen(nickname)},
                  .peer = peer};
    size_t len = 0;
    OK(ltms_public_key_of(&ad.author, SECRET));
    OK(ltms_ad_sign(envelope, LTMS_ENVELOPE_MAX, &len, &ad, LTMS_NETWORK_MAIN, SECRET));
    return len;
}

static void advertisements(void)
{
    ltms_gate *gate = gate_of(LTMS_NETWORK_MAIN, LTMS_CAPACITY_TINY), *other;
    other = gate_of(LTMS_NETWORK_MAIN, LTMS_CAPACITY_TINY);
    ltms_source source = {.peer = peer_of(1), .channel = LTMS_CHANNEL_DIRECT};
    connect(gate, NOW, source.peer);

    uint8_t envelope[LTMS_ENVELOPE_MAX], check = 9, valid[2];
    size_t len = advertise(envelope, source.peer, NOW, "Ærøskøbing"), count = 0;
    ltms_decision decision;
    OK(ltms_gate_screen_frame(gate, &decision, NOW, &source, LTMS_FRAME_DIRECT, len));
    CHECK(decision.reason == LTMS_REASON_CLEAR);

    ltms_ad_ticket ticket, copy;
    OK(ltms_gate_screen_ad(gate, &decision, &ticket, NOW, &source, envelope, len));
    CHECK(decision.reason == LTMS_REASON_UNJUDGED && decision.verdict == LTMS_IGNORE);
    copy = ticket;
    OK(ltms_ad_ticket_verify(&check, &ticket));
    CHECK(check == LTMS_SIGNATURE_VALID);
    ltms_signed items[2];
    OK(ltms_ad_ticket_signatures(items, &count, &ticket));
    CHECK(count == 1);
    OK(ltms_schnorr_verify_batch(valid, items, count, SECRET));
    OK(ltms_ad_ticket_check(&check, &ticket, valid, count));
    CHECK(valid[0] == 1 && check == LTMS_SIGNATURE_VALID);
    valid[0] = 0;
    OK(ltms_ad_ticket_check(&check, &ticket, valid, count));
    CHECK(check == LTMS_SIGNATURE_INVALID);
    GIVES(LTMS_LENGTH, ltms_ad_ticket_check(&check, &ticket, valid, 2));
    valid[0] = 2;
    GIVES(LTMS_VALUE, ltms_ad_ticket_check(&check, &ticket, valid, count));

    GIVES(LTMS_OTHER_GATE, ltms_gate_settle_ad(other, &decision, NOW, &ticket, 0));
    OK(ltms_gate_settle_ad(gate, &decision, NOW, &ticket, LTMS_SIGNATURE_VALID));
    CHECK(decision.reason == LTMS_REASON_NEW && decision.verdict == LTMS_ACCEPT);
    /* Used up; and a copy that was kept of it gains nothing. */
    GIVES(LTMS_EMPTY, ltms_gate_settle_ad(gate, &decision, NOW, &ticket, LTMS_SIGNATURE_VALID));
    OK(ltms_gate_settle_ad(gate, &decision, NOW, &copy, LTMS_SIGNATURE_VALID));
    CHECK(decision.reason != LTMS_REASON_NEW);

    /* A second one within the author's window, and a bad one. */
    len = advertise(envelope, source.peer, NOW + 1000, "again");
    OK(ltms_gate_admit_ad(gate, &decision, NOW + 1000, &source, envelope, len));
    CHECK(decision.reason == LTMS_REASON_TOO_SOON && decision.retry_at_ms > NOW + 1000);
    len = advertise(envelope, source.peer, NOW + 120000, "later");
    envelope[len - 1] ^= 1;
    OK(ltms_gate_admit_ad(gate, &decision, NOW + 120000, &source, envelope, len));
    CHECK(decision.reason == LTMS_REASON_INVALID_SIGNATURE && decision.verdict == LTMS_REJECT);

    ltms_found found[4];
    ltms_criteria criteria = {.types = 1 << 7};
    OK(ltms_gate_find(gate, found, 4, &count, NOW + 1000, &criteria));
    CHECK(count == 1 && memcmp(&found[0].key, &items[0].key, 33) == 0 && !found[0].has_identity);
    criteria.types = 1 << 8;
    OK(ltms_gate_find(gate, found, 4, &count, NOW + 1000, &criteria));
    CHECK(count == 0);
    OK(ltms_gate_find(gate, NULL, 0, &count, NOW + 1000, &criteria));
    OK(ltms_gate_find_key(gate, found, NOW + 1000, &items[0].key));
    GIVES(LTMS_CAPACITY_UNKNOWN, ltms_gate_find_key(other, found, NOW, &items[0].key));

    uint64_t decisions = 0;
    OK(ltms_gate_decisions(gate, &decisions, LTMS_REASON_TOO_SOON));
    CHECK(decisions == 1);
    GIVES(LTMS_VALUE, ltms_gate_decisions(gate, &decisions, 200));
    ltms_standing standing = {.struct_size = sizeof standing};
    ltms_subject subject = {.kind = LTMS_SUBJECT_PEER, .peer = source.peer};
    OK(ltms_gate_standing(gate, &standing, NOW + 120000, &subject));
    CHECK(standing.known && standing.connections == 1 && standing.invalid_signatures == 1);
    CHECK(standing.struct_size == sizeof standing && standing.invalid_signatures_max > 1);
    ltms_metrics metrics = {.struct_size = sizeof metrics};
    OK(ltms_gate_metrics(gate, &metrics, NOW + 120000));
    CHECK(metrics.active_peers == 1 && metrics.advertised_keys == 1);
    CHECK(metrics.signature_checks == 2 && metrics.posture == LTMS_POSTURE_NORMAL);

    /* A withdrawal takes it off the list. */
    OK(ltms_withdrawal_sign(envelope, sizeof envelope, &len, NOW + 240000, NULL,
                            LTMS_NETWORK_MAIN, SECRET));
    OK(ltms_gate_admit_ad(gate, &decision, NOW + 240000, &source, envelope, len));
    CHECK(decision.verdict == LTMS_ACCEPT);
    GIVES(LTMS_CAPACITY_UNKNOWN, ltms_gate_find_key(gate, found, NOW + 240000, &items[0].key));
    drop_gate(&gate);
    drop_gate(&other);
}

/* A ban is told, seen, kept over a restart, and lifted. */
static void bans(void)
{
    ltms_gate *gate = gate_of(LTMS_NETWORK_MAIN, LTMS_CAPACITY_SMALL);
    ltms_subject subject = {.kind = LTMS_SUBJECT_PEER, .peer = peer_of(3)};
    connect(gate, NOW, subject.peer);
    OK(ltms_gate_ban(gate, NOW, &subject, LTMS_NEVER, LTMS_REASON_MALFORMED));
    ltms_event event = {.struct_size = sizeof event};
    OK(ltms_gate_poll_event(gate, &event, NOW));
    CHECK(event.kind == LTMS_EVENT_SANCTIONED && event.until_ms == LTMS_NEVER);
    CHECK(memcmp(&event.peer, &subject.peer, sizeof event.peer) == 0);
    OK(ltms_gate_poll_event(gate, &event, NOW));
    CHECK(event.kind == LTMS_EVENT_NONE);
    ltms_ban page[2];
    ltms_peer exempt[2];
    size_t count = 9;
    OK(ltms_gate_bans(gate, page, 2, &count, NOW, 0));
    CHECK(count == 1 && page[0].until_ms == LTMS_NEVER && page[0].by_operator && !page[0].held);
    CHECK(page[0].reason == LTMS_REASON_MALFORMED && page[0].since_ms == NOW);
    CHECK(page[0].subject.kind == LTMS_SUBJECT_PEER);
    CHECK(memcmp(&page[0].subject.peer, &subject.peer, sizeof subject.peer) == 0);
    OK(ltms_gate_bans(gate, page, 2, &count, NOW, 1));
    CHECK(count == 0);
    OK(ltms_gate_held_bans(gate, page, 2, &count, 0));
    CHECK(count == 0);
    ltms_peer friend_ = peer_of(9);
    OK(ltms_gate_allow(gate, NOW, &friend_, 1));
    OK(ltms_gate_allowed(gate, exempt, 2, &count, 0));
    CHECK(count == 1 && memcmp(&exempt[0], &friend_, sizeof friend_) == 0);
    OK(ltms_gate_allow(gate, NOW, &friend_, 0));
    ltms_subject key = {.kind = LTMS_SUBJECT_KEY};
    GIVES(LTMS_CAPACITY_UNKNOWN, ltms_gate_ban(gate, NOW, &key, LTMS_NEVER, 61));
    subject.kind = 9;
    GIVES(LTMS_VALUE, ltms_gate_ban(gate, NOW, &subject, LTMS_NEVER, LTMS_REASON_MALFORMED));
    subject.kind = LTMS_SUBJECT_PEER;

    uint64_t deadline = 1;
    uint8_t swept = 9;
    OK(ltms_gate_next_deadline(gate, &deadline));
    OK(ltms_gate_handle_timeout(gate, &swept, NOW));
    CHECK(swept == 1);
    OK(ltms_gate_next_deadline(gate, &deadline));
    CHECK(deadline > NOW && deadline < NOW + 3600000);

    size_t len = 0, sealed_len = 0;
    OK(ltms_gate_snapshot_len(gate, &len));
    uint8_t *open = malloc(len), *sealed = malloc(len + LTMS_SEAL_LEN);
    GIVES(LTMS_BUFFER_TOO_SMALL, ltms_gate_write_snapshot(gate, open, len - 1, &len, NULL, 0));
    OK(ltms_gate_write_snapshot(gate, open, len, &len, NULL, 0));
    OK(ltms_gate_write_snapshot(gate, sealed, len + LTMS_SEAL_LEN, &sealed_len, SECRET, 5));
    CHECK(sealed_len == len + LTMS_SEAL_LEN);
    ltms_restored restored = {.struct_size = sizeof restored};
    GIVES(LTMS_SNAPSHOT_NOT_EMPTY,
          ltms_gate_restore(gate, &restored, NOW, open, len, NULL, 0));
    drop_gate(&gate);

    gate = gate_of(LTMS_NETWORK_MAIN, LTMS_CAPACITY_TINY);
    GIVES(LTMS_SNAPSHOT_LENGTH, ltms_gate_restore(gate, &restored, NOW, open, len - 1, NULL, 0));
    GIVES(LTMS_SNAPSHOT_NOT_A_SNAPSHOT,
          ltms_gate_restore(gate, &restored, NOW, open, len, SECRET, 0));
    GIVES(LTMS_SNAPSHOT_SEAL,
          ltms_gate_restore(gate, &restored, NOW, sealed, sealed_len, OTHER_SECRET, 5));
    GIVES(LTMS_SNAPSHOT_REPLAYED,
          ltms_gate_restore(gate, &restored, NOW, sealed, sealed_len, SECRET, 6));
    open[len / 2] ^= 1;
    GIVES(LTMS_SNAPSHOT_DAMAGED, ltms_gate_restore(gate, &restored, NOW, open, len, NULL, 0));
    OK(ltms_gate_restore(gate, &restored, NOW, sealed, sealed_len, SECRET, 5));
    CHECK(restored.bans == 1 && restored.counter == 5 && restored.saved_at_ms == NOW);

    ltms_connection connection = {.peer = subject.peer};
    ltms_decision decision;
    OK(ltms_gate_screen_connection(gate, &decision, NOW, &connection));
    CHECK(decision.reason == LTMS_REASON_BLACKLISTED);
    uint8_t lifted = 9;
    OK(ltms_gate_unban(gate, &lifted, NOW, &subject));
    CHECK(lifted == 1);
    OK(ltms_gate_unban(gate, &lifted, NOW, &subject));
    CHECK(lifted == 0);
    OK(ltms_gate_guard(gate, NOW));
    free(open);
    free(sealed);
    drop_gate(&gate);
}

/* Pages of identities and of an identity's keys. */
static void listed(ltms_gate *gate, const ltms_registered *row)
{
    ltms_registered page[2];
    ltms_owned_key keys[2];
    size_t count = 9;
    uint32_t next = 0;
    OK(ltms_gate_identities(gate, page, 1, &count, &next, 0));
    CHECK(count == 1 && next > 0 && memcmp(&page[0].identity, &row->identity, 32) == 0);
    OK(ltms_gate_identities(gate, page, 2, &count, &next, next));
    CHECK(count == 0);
    OK(ltms_gate_identities(gate, NULL, 0, &count, &next, 0));
    CHECK(count == 0 && next == 0);
    OK(ltms_gate_owned_keys(gate, keys, 2, &count, &row->identity, 0));
    /* None has advertised yet. */
    CHECK(count == 0);
}

/* Real burns of the vectors become identities; sessions move their reputation. */
static void burns(void)
{
    size_t registered = 0;
    for (size_t i = 0; i < LEN(wire_valid); i++) {
        ltms_span envelope = wire_valid[i].envelope;
        if (wire_valid[i].kind != 4)
            continue;
        ltms_gate *gate = gate_of(wire_valid[i].network, LTMS_CAPACITY_TINY);
        ltms_source source = {.peer = peer_of(2), .channel = LTMS_CHANNEL_DIRECT};
        ltms_decision decision;
        connect(gate, NOW, source.peer);
        ltms_block_hash tip = {{9}};
        OK(ltms_gate_set_tip(gate, &decision, NOW, 2000000, &tip, 0));

        ltms_claim_ticket ticket;
        ltms_lookup_ticket lookup;
        uint8_t check = 9;
        OK(ltms_gate_screen_claim(gate, &decision, &ticket, NOW, &source, envelope.data,
                                  envelope.len));
        if (decision.reason == LTMS_REASON_UNJUDGED) {
            OK(ltms_claim_ticket_verify(&check, &ticket));
            CHECK(check == LTMS_SIGNATURE_VALID);
            OK(ltms_gate_settle_claim(gate, &decision, &lookup, NOW, &ticket, check));
            CHECK(decision.reason == LTMS_REASON_UNJUDGED);
            GIVES(LTMS_EMPTY, ltms_claim_ticket_verify(&check, &ticket));
            ltms_block_hash block;
            ltms_identity identity;
            OK(ltms_lookup_ticket_block(&block, &identity, &lookup));
            OK(ltms_gate_charge_lookup(gate, &decision, NOW, &lookup));
            CHECK(decision.reason == LTMS_REASON_CLEAR);
            const uint8_t *header = NULL;
            for (size_t at = 0; at < LEN(chain_headers); at++)
                if (memcmp(chain_headers[at].hash.data, block.bytes, 32) == 0)
                    header = chain_headers[at].header.data;
            OK(ltms_gate_settle_burn(gate, &decision, NOW, &lookup, header, LTMS_EVIDENCE_NODE));
            GIVES(LTMS_EMPTY, ltms_gate_settle_burn(gate, &decision, NOW, &lookup, header, 3));
            ltms_registered row;
            if (decision.reason == LTMS_REASON_NEW) {
                registered++;
                OK(ltms_gate_identity(gate, &row, &identity));
                CHECK(memcmp(&row.identity, &identity, 32) == 0 && row.burned_sats >= 50000000);
                OK(ltms_gate_resolve_identity(gate, &row, &row.key));
                uint8_t session[16] = {1}, before = row.score;
                OK(ltms_gate_record_session(gate, &decision, NOW, session, &identity, NULL,
                                            LTMS_OUTCOME_TIMEOUT, 0));
                CHECK(decision.reason == LTMS_REASON_CLEAR);
                OK(ltms_gate_identity(gate, &row, &identity));
                CHECK(row.score < before);
                listed(gate, &row);
                uint8_t known = 9;
                OK(ltms_gate_pin(gate, &known, NOW, &identity, 1));
                CHECK(known == 1);
            } else {
                CHECK(header == NULL || decision.verdict != LTMS_ACCEPT);
                GIVES(LTMS_CAPACITY_UNKNOWN, ltms_gate_identity(gate, &row, &identity));
            }
        }
        drop_gate(&gate);
    }
    CHECK(registered > 0);
    printf("%zu identities registered\n", registered);
}

static void reputation(void)
{
    ltms_policy policy;
    OK(ltms_policy_preset(&policy, LTMS_POLICY_LOTUS_V1, LTMS_NETWORK_MAIN));
    ltms_reputation somebody = {{0}};
    uint8_t score = 0, before;
    GIVES(LTMS_EMPTY, ltms_reputation_score(&score, &somebody));
    OK(ltms_reputation_init(&somebody, &policy, NOW));
    OK(ltms_reputation_score(&before, &somebody));
    CHECK(before == 50);
    OK(ltms_reputation_record(&somebody, &policy, NOW, LTMS_OUTCOME_INVALID_SIGNATURE, 0));
    OK(ltms_reputation_score(&score, &somebody));
    CHECK(score == before - 20);
    GIVES(LTMS_VALUE, ltms_reputation_record(&somebody, &policy, NOW, 5, 0));
    OK(ltms_reputation_record(&somebody, &policy, NOW, LTMS_OUTCOME_COMPLETED, UINT64_MAX));
    CHECK(score <= 100);
}

/* Other limits come into force while the Gate lives, and nothing else of a policy. */
static void limits(void)
{
    ltms_gate *gate = gate_of(LTMS_NETWORK_MAIN, LTMS_CAPACITY_TINY);
    ltms_source source = {.peer = peer_of(1), .channel = LTMS_CHANNEL_DIRECT};
    ltms_decision decision;
    ltms_policy policy, never_made = {{0}};
    uint64_t value = 0;
    connect(gate, NOW, source.peer);
    OK(ltms_gate_charge_signature(gate, &decision, NOW, &source));
    CHECK(decision.reason == LTMS_REASON_CLEAR);
    OK(ltms_gate_policy(gate, &policy));
    OK(ltms_policy_set(&policy, "windows.signatures.burst", 24, 1));
    OK(ltms_policy_set(&policy, "keys.stranger", 13, 7));
    OK(ltms_gate_set_limits(gate, NOW, &policy));
    OK(ltms_gate_policy(gate, &policy));
    OK(ltms_policy_get(&value, &policy, "windows.signatures.burst", 24));
    CHECK(value == 1);
    OK(ltms_policy_get(&value, &policy, "keys.stranger", 13));
    CHECK(value != 7);
    for (int i = 0; i < 2; i++)
        OK(ltms_gate_charge_signature(gate, &decision, NOW + 1000000, &source));
    CHECK(decision.reason == LTMS_REASON_SIGNATURE_BUDGET && decision.retry_at_ms > NOW + 1000000);
    OK(ltms_policy_set(&policy, "windows.signatures.interval_us", 30, 0));
    GIVES(LTMS_POLICY_INVALID, ltms_gate_set_limits(gate, NOW, &policy));
    GIVES(LTMS_EMPTY, ltms_gate_set_limits(gate, NOW, &never_made));
    drop_gate(&gate);
}

static void certificate(void)
{
    ltms_policy policy;
    ltms_capacity capacity = {.struct_size = sizeof capacity};
    ltms_certificate certificate = {.struct_size = sizeof certificate};
    size_t bytes = 0;
    OK(ltms_policy_preset(&policy, LTMS_POLICY_LOTUS_V1, LTMS_NETWORK_MAIN));
    OK(ltms_capacity_preset(&capacity, LTMS_CAPACITY_NODE));
    OK(ltms_policy_certificate(&certificate, &policy, &capacity));
    OK(ltms_gate_size(&bytes, &capacity));
    CHECK(certificate.tables < bytes && certificate.signatures_per_check == 2);
    CHECK(certificate.displace[0].burn_sats < certificate.displace[2].burn_sats);
    CHECK(certificate.cells[0].narrow < certificate.cells[2].narrow);
    CHECK(certificate.fill_newcomers.burn_sats > certificate.displace[2].burn_sats);
    certificate.struct_size = 8;
    GIVES(LTMS_STRUCT_SIZE, ltms_policy_certificate(&certificate, &policy, &capacity));
}

/* Time from headers and a counter. */
static void chain_clock(void)
{
    ltms_chain_clock clock = {{0}};
    uint64_t now = 0;
    uint8_t newest = 9;
    GIVES(LTMS_EMPTY, ltms_chain_clock_now(&now, &clock, 5));
    GIVES(LTMS_EMPTY, ltms_chain_clock_trust(&clock, &newest, 1, NOW, 0));
    GIVES(LTMS_EMPTY, ltms_chain_clock_resume(&clock, NOW, 0));
    OK(ltms_chain_clock_init(&clock));
    OK(ltms_chain_clock_now(&now, &clock, 5));
    CHECK(now == 5);
    OK(ltms_chain_clock_trust(&clock, &newest, 10, NOW, 1000));
    OK(ltms_chain_clock_now(&now, &clock, 3000));
    CHECK(newest == 1 && now == NOW + 2000);
    OK(ltms_chain_clock_trust(&clock, &newest, 10, NOW + 9000, 1000));
    CHECK(newest == 0);
    OK(ltms_chain_clock_resume(&clock, NOW + 60000, 3000));
    OK(ltms_chain_clock_now(&now, &clock, 3000));
    CHECK(now == NOW + 60000);
}

int main(void)
{
    limits();
    certificate();
    chain_clock();
    advertisements();
    bans();
    burns();
    reputation();
    printf("%d failures\n", failures);
    return failures != 0;
}
