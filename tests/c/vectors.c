/* Every entry of tests/vectors that C has functions for. Prints how many of each list it played. */
#include "test.h"
#include "vectors.h"

#define LEN(table) (sizeof(table) / sizeof(table)[0])
/* Runs the block for every entry of a table, and says so. */
#define EACH(table) \
    for (size_t i = 0; i < LEN(table) || (printf("%s %zu\n", #table, i), 0); i++)

static const uint8_t SEED[32] = "thirty-two bytes nobody foresaw";
static const uint64_t NOW = 1795361000000;

static int same(ltms_span expected, const void *bytes, size_t len)
{
    return expected.len == len && (len == 0 || memcmp(expected.data, bytes, len) == 0);
}

/* The bytes as one of the structs that are nothing but bytes. */
#define AS(type, span) (*(const type *)exactly(sizeof(type), span))
static const void *exactly(size_t len, ltms_span span)
{
    if (span.len != len)
        abort();
    return span.data;
}

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
    OK(ltms_schnorr_verify_batch(batch, items, LEN(items), SEED));
    for (size_t i = 0; i < LEN(items); i++)
        CHECK(batch[i] == (i < LEN(schnorr_valid)));
    OK(ltms_schnorr_verify_batch(NULL, NULL, 0, SEED));
}

static void chain(void)
{
    EACH(chain_transactions) {
        ltms_span tx = chain_transactions[i].tx;
        ltms_txid txid, again;
        OK(ltms_tx_txid(&txid, tx.data, tx.len));
        CHECK(same(chain_transactions[i].txid, txid.bytes, 32));
        char hex[65];
        OK(ltms_txid_to_hex(hex, &txid));
        OK(ltms_txid_from_hex(&again, hex, 64));
        CHECK(memcmp(&txid, &again, 32) == 0);
        GIVES(LTMS_TX_TRUNCATED, ltms_tx_txid(&txid, tx.data, tx.len - 1));
    }
    EACH(chain_ltms_burns) {
        ltms_span tx = chain_ltms_burns[i].tx, script = chain_ltms_burns[i].script;
        ltms_txid txid;
        ltms_identity identity;
        ltms_burn_script burn;
        OK(ltms_tx_txid(&txid, tx.data, tx.len));
        OK(ltms_identity_id(&identity, &txid, chain_ltms_burns[i].vout));
        CHECK(same(chain_ltms_burns[i].identity, identity.bytes, 32));
        OK(ltms_burn_script_parse(&burn, script.data, script.len));
        CHECK(same(chain_ltms_burns[i].key, burn.public_key.bytes, 33));
        GIVES(LTMS_OUTPUT_INDEX, ltms_identity_id(&identity, &txid, 256));
    }
    EACH(chain_headers) {
        ltms_header header;
        OK(ltms_header_read(&header, chain_headers[i].header.data, chain_headers[i].header.len));
        CHECK(same(chain_headers[i].hash, header.hash.bytes, 32));
        CHECK(header.height == chain_headers[i].height);
    }
    EACH(chain_merkle_proofs) {
        ltms_span proof = chain_merkle_proofs[i].proof, txids = chain_merkle_proofs[i].txids;
        ltms_header header;
        uint32_t position = 0;
        for (size_t at = 0; at < txids.len; at += 32) {
            const ltms_txid *txid = (const ltms_txid *)(txids.data + at);
            OK(ltms_txoutproof_verify(&header, &position, proof.data, proof.len, txid));
            CHECK(same(chain_merkle_proofs[i].hash, header.hash.bytes, 32));
            CHECK(at > 0 || position == chain_merkle_proofs[i].first);
        }
        ltms_txid other = {{1}};
        GIVES(LTMS_TX_OUT_PROOF_OTHER_TRANSACTION,
              ltms_txoutproof_verify(&header, &position, proof.data, proof.len, &other));
    }
}

static ltms_status ask(ltms_proved *proved, uint8_t *work, const uint8_t *proof, size_t len,
                       ltms_span txid, uint32_t vout, ltms_span anchor, uint32_t height)
{
    const ltms_txid *id = (const ltms_txid *)txid.data;
    if (anchor.len == 0)
        return ltms_inclusion_weigh(proved, work, proof, len, id, vout);
    return ltms_inclusion_verify(proved, proof, len, id, vout,
                                 (const ltms_block_hash *)anchor.data, height);
}

#define ASK(entry) \
    ask(&proved, work, (entry).proof.data, (entry).proof.len, (entry).txid, (entry).vout, \
        (entry).anchor, (entry).anchor_height)

static void inclusion(void)
{
    ltms_proved proved;
    uint8_t work[16] = {0};
    EACH(inclusion_valid) {
        OK(ASK(inclusion_valid[i]));
        CHECK(same(inclusion_valid[i].block, proved.header.hash.bytes, 32));
        CHECK(same(inclusion_valid[i].script, proved.script, proved.script_len));
        CHECK(proved.value_sats == inclusion_valid[i].value_sats);
        CHECK(proved.position == inclusion_valid[i].position);
        CHECK(proved.header.height == inclusion_valid[i].height);
        CHECK(proved.depth == inclusion_valid[i].depth);
        int weak = inclusion_valid[i].anchor.len == 0;
        CHECK(proved.evidence == (weak ? LTMS_EVIDENCE_WEAK : LTMS_EVIDENCE_ANCHORED));
        uint64_t low = 0;
        for (int byte = 7; byte >= 0; byte--)
            low = low << 8 | work[byte];
        CHECK(!weak || low == inclusion_valid[i].work);
    }
    EACH(inclusion_invalid) {
        GIVES(inclusion_invalid[i].status, ASK(inclusion_invalid[i]));
    }
    EACH(inclusion_flipped) {
        ltms_span proof = inclusion_flipped[i].proof;
        uint8_t *changed = malloc(proof.len);
        memcpy(changed, proof.data, proof.len);
        for (size_t at = 0; at < proof.len; at++) {
            changed[at] ^= 1;
            GIVES(inclusion_flipped[i].statuses[at],
                  ask(&proved, work, changed, proof.len, inclusion_flipped[i].txid,
                      inclusion_flipped[i].vout, inclusion_flipped[i].anchor,
                      inclusion_flipped[i].anchor_height));
            changed[at] ^= 1;
        }
        free(changed);
    }
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
        OK(ltms_gate_free(&gates[network]));
}

int main(void)
{
    scripts();
    schnorr();
    chain();
    inclusion();
    wire();
    printf("%d failures\n", failures);
    return failures != 0;
}
