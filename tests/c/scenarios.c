/* The scenarios that an independent model wrote, played on a Gate: every decision, with its reason
 * and time, every answer and every event has to be the same. */
#include "test.h"
#include "scenarios.h"

enum { US = 9, HELD = 100, EVENTS_MAX = 64 };

static const uint8_t SEED[16] = "scenario's seed!";
static const uint8_t CHALLENGE[32] = {7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
                                      7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7};

static struct {
    ltms_ad_ticket ad;
    ltms_lookup_ticket lookup;
    /* The claim that is held; NULL for an advertisement. */
    const step *claim;
} held[HELD];

static const scenario *playing;
static ltms_gate *gate;

static ltms_peer peer_of(uint32_t number)
{
    ltms_peer peer = {38, {0, 0x24, 8, 1, 0x12, 0x20}};
    memset(peer.bytes + 6, 7, 28);
    for (int i = 0; i < 4; i++)
        peer.bytes[34 + i] = (uint8_t)(number >> (24 - 8 * i));
    return peer;
}

static ltms_public_key key_of(uint32_t number)
{
    ltms_public_key key;
    memcpy(key.bytes, KEYS[number - 1].data, sizeof key.bytes);
    return key;
}

/* 0 for nobody: an identity of zeros. */
static ltms_identity id_of(uint32_t number)
{
    ltms_identity id = {{0}};
    if (number)
        memcpy(id.bytes, playing->ids.data + 32 * (number - 1), sizeof id.bytes);
    return id;
}

static ltms_source source_of(const step *op)
{
    ltms_source source = {.peer = peer_of(op->peer), .channel = op->channel};
    if (op->publisher)
        source.publisher = peer_of(op->publisher);
    return source;
}

static ltms_connection connection_of(const step *op)
{
    ltms_connection connection = {.peer = peer_of(op->peer), .direction = op->flag};
    connection.address_len = (uint8_t)op->bytes.len;
    if (op->bytes.len)
        memcpy(connection.address, op->bytes.data, op->bytes.len);
    return connection;
}

static ltms_subject subject_of(const step *op)
{
    ltms_subject subject = {.kind = op->kind};
    if (op->kind == LTMS_SUBJECT_PEER)
        subject.peer = peer_of(op->peer);
    else if (op->kind == LTMS_SUBJECT_KEY)
        subject.key = key_of(op->key);
    else
        subject.identity = id_of(op->identity);
    return subject;
}

/* The scenarios' toy scheme: both halves of a signature are the hash, changed by the key's x. */
static uint8_t holds(const ltms_signed *item)
{
    for (int i = 0; i < 64; i++)
        if (item->signature.bytes[i] != (item->hash[i % 32] ^ item->key.bytes[1 + i % 32]))
            return 0;
    return 1;
}

static ltms_decision settle_ad(uint64_t now, ltms_ad_ticket *ticket)
{
    ltms_signed items[2];
    uint8_t valid[2], check = 9;
    size_t count = 0;
    ltms_decision decision = {0};
    OK(ltms_ad_ticket_signatures(items, &count, ticket));
    for (size_t i = 0; i < count; i++)
        valid[i] = holds(&items[i]);
    OK(ltms_ad_ticket_check(&check, ticket, valid, count));
    OK(ltms_gate_settle_ad(gate, &decision, now, ticket, check));
    return decision;
}

static ltms_decision settle_burn(uint64_t now, ltms_lookup_ticket *lookup, const step *claim)
{
    ltms_decision decision = {0};
    if (claim->flag) {
        OK(ltms_gate_charge_lookup(gate, &decision, now, lookup));
        if (decision.reason != LTMS_REASON_CLEAR)
            return decision;
    }
    const uint8_t *header = claim->header.len ? claim->header.data : NULL;
    OK(ltms_gate_settle_burn(gate, &decision, now, lookup, header, claim->evidence));
    return decision;
}

/* No decision yet means: held. */
static ltms_decision ad(const step *op)
{
    ltms_source source = source_of(op);
    ltms_ad_ticket ticket;
    ltms_decision decision = {0};
    OK(ltms_gate_screen_ad(gate, &decision, &ticket, op->now, &source, op->bytes.data,
                           op->bytes.len));
    if (decision.reason != LTMS_REASON_UNJUDGED)
        return decision;
    if (!op->hold)
        return settle_ad(op->now, &ticket);
    held[op->hold].ad = ticket;
    held[op->hold].claim = NULL;
    return decision;
}

static ltms_decision claim(const step *op)
{
    ltms_source source = source_of(op);
    ltms_claim_ticket ticket;
    ltms_lookup_ticket lookup;
    ltms_signed items[2];
    uint8_t valid[2], check = 9;
    size_t count = 0;
    ltms_decision decision = {0};
    OK(ltms_gate_screen_claim(gate, &decision, &ticket, op->now, &source, op->bytes.data,
                              op->bytes.len));
    if (decision.reason != LTMS_REASON_UNJUDGED)
        return decision;
    OK(ltms_claim_ticket_signatures(items, &count, &ticket));
    for (size_t i = 0; i < count; i++)
        valid[i] = holds(&items[i]);
    OK(ltms_claim_ticket_check(&check, &ticket, valid, count));
    OK(ltms_gate_settle_claim(gate, &decision, &lookup, op->now, &ticket, check));
    if (decision.reason != LTMS_REASON_UNJUDGED)
        return decision;
    if (!op->hold)
        return settle_burn(op->now, &lookup, op);
    held[op->hold].lookup = lookup;
    held[op->hold].claim = op;
    return decision;
}

/* Whether the events are those that are wanted, in any order. */
static int events(const step *op)
{
    uint8_t met[EVENTS_MAX] = {0};
    size_t count = 0;
    for (;; count++) {
        ltms_event event = {.struct_size = sizeof event};
        OK(ltms_gate_poll_event(gate, &event, op->now));
        if (event.kind == LTMS_EVENT_NONE)
            break;
        size_t i = 0;
        for (; i < op->count; i++) {
            const wanted_event *want = &EVENTS[op->first + i];
            ltms_peer peer = peer_of(want->number);
            ltms_identity id = id_of(event.kind == LTMS_EVENT_SANCTIONED ? 0 : want->number);
            int who = event.kind == LTMS_EVENT_SANCTIONED
                          ? !memcmp(&event.peer, &peer, sizeof peer)
                          : !memcmp(&event.identity, &id, sizeof id);
            if (!met[i] && who && event.kind == want->kind && event.reason == want->reason &&
                event.until_ms == want->until)
                break;
        }
        if (i == op->count)
            return 0;
        met[i] = 1;
    }
    return count == op->count;
}

static int standing(const step *op)
{
    const wanted_standing *wanted = &STANDINGS[op->first];
    const ltms_standing *want = &wanted->standing;
    ltms_standing got = {.struct_size = sizeof got};
    ltms_subject subject = subject_of(op);
    OK(ltms_gate_standing(gate, &got, op->now, &subject));
    ltms_identity id = id_of(wanted->identity);
    if (op->kind == LTMS_SUBJECT_IDENTITY) {
        ltms_owned_key keys[100];
        size_t count = 0;
        OK(ltms_gate_owned_keys(gate, keys, 100, &count, &subject.identity, 0));
        CHECK(count == got.keys);
    }
#define SAME(field) (got.field == want->field)
    return SAME(decision.reason) && SAME(decision.retry_at_ms) && SAME(known) &&
           SAME(sanction_reason) && SAME(first_sanctioned_at_ms) && SAME(last_sanctioned_at_ms) &&
           SAME(allowed) && SAME(held_until_ms) && SAME(faults) && SAME(by_operator) &&
           SAME(connections) && SAME(violations) && SAME(invalid_signatures) && SAME(malformed) &&
           SAME(passed_on) && SAME(keys) && SAME(keys_max) && SAME(tier) && SAME(burned_sats) &&
           SAME(confirmations) && SAME(suspended) && SAME(sessions_completed) &&
           SAME(sessions_failed) && SAME(expires_at_ms) &&
           (op->kind == LTMS_SUBJECT_PEER || SAME(score)) &&
           memcmp(&got.identity, &id, sizeof id) == 0;
}

static int identity(const step *op)
{
    ltms_identity id = id_of(op->identity);
    ltms_registered row, again;
    ltms_status status = ltms_gate_identity(gate, &row, &id);
    if (op->count == 0)
        return status == LTMS_CAPACITY_UNKNOWN;
    const wanted_identity *want = &IDENTITIES[op->first];
    ltms_public_key key = key_of(want->key);
    OK(ltms_gate_resolve_identity(gate, &again, &row.key));
    return status == LTMS_OK && memcmp(&row.key, &key, sizeof key) == 0 &&
           memcmp(&again.identity, &id, sizeof id) == 0 && row.sequence == want->sequence &&
           row.height == want->height && row.evidence == want->evidence;
}

static int find(const step *op)
{
    ltms_found found[100], one;
    ltms_criteria criteria = {.types = op->number, .amount_sats = op->until,
                              .has_amount = op->flag, .min_score = op->kind};
    size_t count = 0, wanted = op->count;
#ifdef LTMS_BARE
    if (wanted > 8)
        wanted = 8;
#endif
    OK(ltms_gate_find(gate, found, 100, &count, op->now, &criteria));
    for (size_t i = 0; i < count; i++) {
        size_t at = 0;
        for (; at < op->count; at++) {
            ltms_public_key key = key_of(FOUND[op->first + at]);
            if (memcmp(&found[i].key, &key, sizeof key) == 0)
                break;
        }
        OK(ltms_gate_find_key(gate, &one, op->now, &found[i].key));
        if (at == op->count)
            return 0;
        for (size_t other = 0; other < i; other++)
            if (memcmp(&found[i].key, &found[other].key, sizeof one.key) == 0)
                return 0;
    }
    return count == wanted;
}

/* No envelope can say what this claim says, so that it gets no further; the scenario goes on as if
 * it had not come, because what the model answers is no fault of anybody's. */
static int unsendable(const step *op)
{
    ltms_capacity capacity = {.struct_size = sizeof capacity};
    ltms_policy policy;
    ltms_gate *another = NULL;
    ltms_source source = source_of(op);
    ltms_claim_ticket ticket;
    ltms_decision decision = {0};
    OK(ltms_capacity_preset(&capacity, LTMS_CAPACITY_TINY));
    OK(ltms_policy_preset(&policy, LTMS_POLICY_LOTUS_V1, LTMS_NETWORK_REG));
    OK(ltms_gate_new(&another, &capacity, &policy, SEED));
    OK(ltms_gate_screen_claim(another, &decision, &ticket, op->now, &source, op->bytes.data,
                              op->bytes.len));
    drop_gate(&another);
    return decision.reason == LTMS_REASON_MALFORMED && op->wanted_reason != LTMS_REASON_NEW;
}

/* Plays one operation; whether what came out is what is wanted. */
static int play(const step *op)
{
    ltms_source source = source_of(op);
    ltms_connection connection = {.direction = LTMS_INBOUND};
    ltms_peer peer = peer_of(op->peer), us = peer_of(US);
    ltms_identity id = id_of(op->identity), counterparty = id_of(op->counterparty);
    ltms_decision decision = {0};
    ltms_block_hash tip = {{0}};
    ltms_subject subject;
    uint64_t number = 0;
    uint8_t flag = 0, session[16];
    memset(tip.bytes, 1, sizeof tip.bytes);
    memset(session, (int)op->hold, sizeof session);
    switch (op->op) {
    case OP_SCREEN:
        connection = connection_of(op);
        OK(ltms_gate_screen_connection(gate, &decision, op->now, &connection));
        break;
    case OP_CONNECTED:
        connection = connection_of(op);
        OK(ltms_gate_connected(gate, op->now, &connection));
        break;
    case OP_DISCONNECTED:
        OK(ltms_gate_disconnected(gate, op->now, &peer));
        break;
    case OP_FRAME:
        OK(ltms_gate_screen_frame(gate, &decision, op->now, &source, op->kind,
                                  (size_t)op->number));
        break;
    case OP_MALFORMED:
        OK(ltms_gate_malformed(gate, &decision, op->now, &source, op->reason,
                               (const uint8_t *)"bytes", 5));
        break;
    case OP_AD:
        decision = ad(op);
        break;
    case OP_CLAIM:
        decision = claim(op);
        break;
    case OP_SETTLE:
        decision = held[op->hold].claim
                       ? settle_burn(op->now, &held[op->hold].lookup, held[op->hold].claim)
                       : settle_ad(op->now, &held[op->hold].ad);
        break;
    case OP_HELLO:
        source.channel = LTMS_CHANNEL_DIRECT;
        OK(ltms_gate_prove_identity(gate, &decision, op->now, &source, &us, CHALLENGE,
                                    op->bytes.data, op->bytes.len));
        break;
    case OP_TIP:
        OK(ltms_gate_set_tip(gate, &decision, op->now, (uint32_t)op->number, &tip,
                             (uint32_t)op->until));
        break;
    case OP_CONFIRM:
        OK(ltms_gate_confirm_tip(gate, op->now, (uint32_t)op->number, &tip, (uint32_t)op->until));
        break;
    case OP_PIN:
        OK(ltms_gate_pin(gate, &flag, op->now, &id, op->flag));
        number = flag;
        break;
    case OP_SESSION:
        OK(ltms_gate_record_session(gate, &decision, op->now, session, &id,
                                    op->counterparty ? &counterparty : NULL, op->kind,
                                    op->number));
        break;
    case OP_BAN:
        subject = subject_of(op);
        number = (uint64_t)ltms_gate_ban(gate, op->now, &subject, op->until, op->reason);
        break;
    case OP_UNBAN:
        subject = subject_of(op);
        OK(ltms_gate_unban(gate, &flag, op->now, &subject));
        number = flag;
        break;
    case OP_ALLOW:
        OK(ltms_gate_allow(gate, op->now, &peer, op->flag));
        break;
    case OP_FAULT:
        OK(ltms_gate_record_fault(gate, &decision, op->now, &id, op->reason));
        break;
    case OP_SWEEP:
        OK(ltms_gate_handle_timeout(gate, &flag, op->now));
        OK(ltms_gate_next_deadline(gate, &number));
        break;
    case OP_EVENTS:
        return events(op);
    case OP_STANDING:
        return standing(op);
    case OP_IDENTITY:
        return identity(op);
    case OP_FIND:
        return find(op);
    case OP_UNSENDABLE:
        return unsendable(op);
    }
    switch (op->want) {
    case WANT_DECISION:
        return decision.reason == op->wanted_reason && decision.retry_at_ms == op->wanted;
    case WANT_NUMBER:
        return number == op->wanted;
    default:
        return decision.reason == LTMS_REASON_UNJUDGED;
    }
}

static void run(const scenario *given)
{
    ltms_capacity capacity = {.struct_size = sizeof capacity, .peers = 64, .identities = 512,
                              .tombstones = 256, .keys = 4096, .bans = 256, .groups = 64,
                              .cells = 65536, .outcomes = 1024};
    ltms_policy policy;
    OK(ltms_policy_preset(&policy, LTMS_POLICY_LOTUS_V1, LTMS_NETWORK_REG));
    for (size_t i = 0; i < given->fields; i++) {
        const policy_field *field = &FIELDS[given->first_field + i];
        OK(ltms_policy_set(&policy, field->name, strlen(field->name), field->value));
    }
    playing = given;
    OK(ltms_gate_new(&gate, &capacity, &policy, SEED));
    for (size_t i = 0; i < given->steps; i++) {
        if (!play(&STEPS[given->first + i])) {
            failures++;
            fprintf(stderr, "%s: operation %zu (%d) goes another way\n", given->name, i,
                    STEPS[given->first + i].op);
            break;
        }
    }
    drop_gate(&gate);
}

int main(void)
{
    EACH(scenarios_curated)
        run(&scenarios_curated[i]);
    EACH(scenarios_random)
        run(&scenarios_random[i]);
    printf("%zu operations, %d failures\n", LEN(STEPS), failures);
    return failures != 0;
}
