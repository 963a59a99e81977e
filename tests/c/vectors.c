/* Scripts, signatures, messages and snapshots of tests/vectors. Prints how many it played. */
#include "test.h"
#include "vectors.h"
#include "spans.h"

static const uint8_t SEED[32] = "thirty-two bytes nobody foresaw";
static const uint64_t NOW = 1795361000000;

static void scripts(void)
{
    EACH(scripts_valid) {
        ltms_span script = scripts_valid[i].script;
        ltms_burn_script burn;
        OK(ltms_burn_script_parse(&burn, script.data, script.len));
        CHECK(same(scripts_valid[i].key, burn.public_key.bytes, 33));
        CHECK(burn.has_timestamp == scripts_valid[i].has_timestamp);
        CHECK(burn.timestamp_ms == scripts_valid[i].timestamp_ms);
        CHECK(burn.purpose == scripts_valid[i].purpose);
        CHECK(burn.purpose == 0 || same(scripts_valid[i].identity, burn.identity.bytes, 32));
        uint8_t built[LTMS_SCRIPT_MAX];
        size_t len = 0;
        OK(ltms_burn_script_build(built, sizeof built, &len, &burn));
        CHECK(same(script, built, len));
        GIVES(LTMS_BUFFER_TOO_SMALL, ltms_burn_script_build(built, len - 1, &len, &burn));
    }
    EACH(scripts_invalid) {
        ltms_burn_script burn;
        ltms_span script = scripts_invalid[i].script;
        GIVES(scripts_invalid[i].status, ltms_burn_script_parse(&burn, script.data, script.len));
    }
}

/* The scripts of transactions that a real lotusd was shown. */
static void relayed(void)
{
    EACH(scripts_policy) {
        ltms_span tx = scripts_policy[i].tx;
        ltms_tx read;
        OK(ltms_tx_read(&read, tx.data, tx.len));
        CHECK(read.len == scripts_policy[i].size && read.outputs == scripts_policy[i].outputs);
        CHECK(same(scripts_policy[i].txid, read.txid.bytes, 32));
        ltms_output output;
        ltms_burn_script burn;
        for (uint32_t vout = 0; vout < scripts_policy[i].outputs; vout++) {
            OK(ltms_tx_output(&output, tx.data, tx.len, vout));
            GIVES(scripts_policy[i].statuses[vout],
                  ltms_burn_script_parse(&burn, output.script.data, output.script.len));
        }
        GIVES(LTMS_PROOF_NO_OUTPUT, ltms_tx_output(&output, tx.data, tx.len, read.outputs));
    }
}

/* What the older SDK was asked, and answered. */
static void older_sdk(void)
{
    EACH(sdk_registration_cases) {
        ltms_burn_script burn;
        ltms_span script = sdk_registration_cases[i].script;
        GIVES(sdk_registration_cases[i].status,
              ltms_burn_script_parse(&burn, script.data, script.len));
    }
    EACH(sdk_identity_id) {
        ltms_identity identity;
        OK(ltms_identity_id(&identity, &AS(ltms_txid, sdk_identity_id[i].txid),
                            sdk_identity_id[i].vout));
        CHECK(same(sdk_identity_id[i].identity, identity.bytes, 32));
    }
    EACH(sdk_signatures) {
        uint8_t valid = 9;
        OK(ltms_schnorr_verify(&valid, &AS(ltms_public_key, sdk_signatures[i].key),
                               sdk_signatures[i].hash.data,
                               &AS(ltms_signature, sdk_signatures[i].signature)));
        CHECK(valid == sdk_signatures[i].valid);
    }
}

static void schnorr(void)
{
    ltms_signed items[LEN(schnorr_valid) + LEN(schnorr_invalid)];
    uint8_t valid, batch[LEN(items)];
    EACH(schnorr_valid) {
        const uint8_t *hash = schnorr_valid[i].hash.data;
        ltms_public_key key;
        ltms_signature signature;
        OK(ltms_public_key_of(&key, schnorr_valid[i].secret.data));
        CHECK(same(schnorr_valid[i].key, key.bytes, 33));
        OK(ltms_schnorr_sign(&signature, schnorr_valid[i].secret.data, hash));
        CHECK(same(schnorr_valid[i].signature, signature.bytes, 64));
        OK(ltms_schnorr_verify(&valid, &key, hash, &signature));
        CHECK(valid == 1);
        items[i] = (ltms_signed){.key = key, .signature = signature};
        memcpy(items[i].hash, hash, 32);
    }
    EACH(schnorr_invalid) {
        ltms_signed *item = &items[LEN(schnorr_valid) + i];
        item->key = AS(ltms_public_key, schnorr_invalid[i].key);
        item->signature = AS(ltms_signature, schnorr_invalid[i].signature);
        memcpy(item->hash, schnorr_invalid[i].hash.data, 32);
        OK(ltms_schnorr_verify(&valid, &item->key, item->hash, &item->signature));
        CHECK(valid == 0);
    }
    EACH(schnorr_parsing) {
        /* Other lengths cannot even be said: a key is 33 bytes here, a signature 64. */
        ltms_span key = schnorr_parsing[i].key, signature = schnorr_parsing[i].signature;
        if (key.len != sizeof(ltms_public_key) || signature.len != sizeof(ltms_signature))
            continue;
        OK(ltms_schnorr_verify(&valid, &AS(ltms_public_key, key), schnorr_parsing[i].hash.data,
                               &AS(ltms_signature, signature)));
        CHECK(valid == schnorr_parsing[i].valid);
    }
    OK(ltms_schnorr_verify_batch(batch, items, LEN(items), SEED));
    for (size_t i = 0; i < LEN(items); i++)
        CHECK(batch[i] == (i < LEN(schnorr_valid)));
    OK(ltms_schnorr_verify_batch(NULL, NULL, 0, SEED));
}

/* Why a Gate says that an envelope is none; LTMS_REASON_CLEAR if it is one. */
static uint8_t judged(ltms_gate *gate, ltms_span envelope)
{
    ltms_source source = {.peer = {34, {0x12, 0x20}}, .channel = LTMS_CHANNEL_DIRECT};
    ltms_decision decision;
    /* Of a map of three fields, the first of which is the kind. */
    int kind = envelope.len > 1 && envelope.data[0] == 0x83 ? envelope.data[1] : 0;
    if (kind == 4 || kind == 6 || kind == 7) {
        ltms_claim_ticket ticket;
        OK(ltms_gate_screen_claim(gate, &decision, &ticket, NOW, &source, envelope.data,
                                  envelope.len));
    } else if (kind == 5) {
        OK(ltms_gate_prove_identity(gate, &decision, NOW, &source, &source.peer, SEED,
                                    envelope.data, envelope.len));
    } else {
        ltms_ad_ticket ticket;
        OK(ltms_gate_screen_ad(gate, &decision, &ticket, NOW, &source, envelope.data,
                               envelope.len));
    }
    switch (decision.reason) {
    case LTMS_REASON_MALFORMED:
    case LTMS_REASON_UNSUPPORTED:
    case LTMS_REASON_ADDRESS:
    case LTMS_REASON_TEXT:
    case LTMS_REASON_OVERSIZE:
        return decision.reason;
    default:
        return LTMS_REASON_CLEAR;
    }
}

static void wire(void)
{
    ltms_gate *gates[3];
    for (uint8_t network = 0; network < 3; network++) {
        ltms_policy policy;
        ltms_capacity capacity = {.struct_size = sizeof capacity};
        OK(ltms_policy_preset(&policy, LTMS_POLICY_LOTUS_V1, network));
        OK(ltms_capacity_preset(&capacity, LTMS_CAPACITY_TINY));
        OK(ltms_gate_new(&gates[network], &capacity, &policy, SEED));
    }
    EACH(wire_valid) {
        ltms_span envelope = wire_valid[i].envelope, secret = wire_valid[i].secret;
        uint8_t network = wire_valid[i].network, written[LTMS_ENVELOPE_MAX];
        size_t len = 0;
        CHECK(judged(gates[network], envelope) == LTMS_REASON_CLEAR);
        ltms_ad ad = {.struct_size = sizeof ad};
        ltms_status status = ltms_ad_read(&ad, network, envelope.data, envelope.len);
        CHECK(status == (wire_valid[i].kind == 1 ? LTMS_OK : LTMS_WIRE_WRONG_KIND));
        if (status != LTMS_OK)
            continue;
        CHECK(same(wire_valid[i].author, ad.author.bytes, 33));
        CHECK(ad.created_at_ms == wire_valid[i].created_at_ms);
        /* What was read is written as the same bytes, and nothing behind the end. */
        OK(ltms_ad_sign(written, sizeof written, &len, &ad, network, secret.data));
        CHECK(same(envelope, written, len));
        GIVES(LTMS_BUFFER_TOO_SMALL,
              ltms_ad_sign(written, len - 1, &len, &ad, network, secret.data));
        uint8_t another[32] = {7};
        GIVES(LTMS_KEY_OTHER, ltms_ad_sign(written, len, &len, &ad, network, another));
    }
    EACH(wire_invalid) {
        uint8_t network = wire_invalid[i].network;
        CHECK(judged(gates[network], wire_invalid[i].envelope) == wire_invalid[i].reason);
    }
    EACH(wire_history) {
        CHECK(judged(gates[LTMS_NETWORK_MAIN], wire_history[i].envelope) == LTMS_REASON_CLEAR);
    }
    EACH(wire_mutated) {
        uint8_t network = wire_mutated[i].network;
        CHECK(judged(gates[network], wire_mutated[i].envelope) == wire_mutated[i].reason);
    }
    EACH(wire_delegations) {
        ltms_signature signature;
        OK(ltms_delegation_sign(&signature, wire_delegations[i].network,
                                &AS(ltms_identity, wire_delegations[i].identity),
                                &AS(ltms_public_key, wire_delegations[i].delegated),
                                wire_delegations[i].sequence, wire_delegations[i].not_after_ms,
                                wire_delegations[i].secret.data));
        CHECK(same(wire_delegations[i].signature, signature.bytes, 64));
    }
    for (int network = 0; network < 3; network++)
        drop_gate(&gates[network]);
}

/* What a released version wrote is read. */
static void released(void)
{
    EACH(snapshots) {
        ltms_policy policy;
        ltms_gate *gate = NULL;
        ltms_capacity capacity = {.struct_size = sizeof capacity};
        ltms_restored restored = {.struct_size = sizeof restored};
        OK(ltms_policy_preset(&policy, LTMS_POLICY_LOTUS_V1, LTMS_NETWORK_REG));
        OK(ltms_capacity_preset(&capacity, LTMS_CAPACITY_SMALL));
        OK(ltms_gate_new(&gate, &capacity, &policy, (const uint8_t *)"a seed for tests"));
        ltms_span snapshot = snapshots[i].snapshot;
        OK(ltms_gate_restore(gate, &restored, NOW, snapshot.data, snapshot.len, NULL, 0));
        CHECK(restored.identities == snapshots[i].identities);
        drop_gate(&gate);
    }
}

/* A recorded flood is judged as it was. The library for devices has no heap for a replay. */
static void recorded(void)
{
#ifdef LTMS_HOSTED
    ltms_span header = recordings[0].record;
    ltms_replay *replay = NULL;
    ltms_replayed replayed = {.struct_size = sizeof replayed};
    char text[256];
    size_t blacklisted = 0, len = 0;
    OK(ltms_record_len(&len, header.data, header.len));
    /* The header stands alone in its line. */
    CHECK(len == header.len);
    OK(ltms_record_len(&len, header.data, header.len - 1));
    CHECK(len == 0);
    OK(ltms_replay_new(&replay, header.data, header.len));
    EACH(recordings) {
        ltms_span record = recordings[i].record;
        if (i == 0)
            continue;
        OK(ltms_replay_step(replay, &replayed, record.data, record.len));
        CHECK(replayed.holds == 1 && replayed.has_decision == replayed.has_recorded);
        CHECK(replayed.call_name.len > 3 && replayed.arguments.data > record.data);
        blacklisted += replayed.decision.reason == LTMS_REASON_BLACKLISTED;
        OK(ltms_replay_explain(replay, text, sizeof text, &len));
        CHECK(len > 13 && memcmp(text, "17", 2) == 0);
        GIVES(LTMS_BUFFER_TOO_SMALL, ltms_replay_explain(replay, text, len - 1, &len));
        GIVES(LTMS_RECORD_UNREADABLE,
              ltms_replay_step(replay, &replayed, record.data, record.len - 1));
    }
    CHECK(blacklisted > 0);
    GIVES(LTMS_NULL, ltms_replay_step(NULL, &replayed, header.data, header.len));
    OK(ltms_replay_free(&replay));
    CHECK(replay == NULL);
    OK(ltms_replay_free(&replay));
    GIVES(LTMS_RECORD_HEADER, ltms_replay_new(&replay, header.data, header.len - 1));
#else
    EACH(recordings)
        continue;
#endif
}

int main(void)
{
    scripts();
    relayed();
    older_sdk();
    released();
    recorded();
    schnorr();
    wire();
    printf("%d failures\n", failures);
    return failures != 0;
}
