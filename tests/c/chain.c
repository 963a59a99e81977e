/* Transactions, blocks and proofs of tests/vectors. Prints how many of each list it played. */
#include "test.h"
#include "vectors.h"
#include "spans.h"

/* The ids and the outputs of burns. */
static void transactions(void)
{
    ltms_tx tx;
    EACH(chain_transactions) {
        ltms_span bytes = chain_transactions[i].tx;
        ltms_txid txid, again;
        OK(ltms_tx_txid(&txid, bytes.data, bytes.len));
        CHECK(same(chain_transactions[i].txid, txid.bytes, 32));
        OK(ltms_tx_read(&tx, bytes.data, bytes.len));
        CHECK(tx.len == bytes.len && same(chain_transactions[i].txhash, tx.txhash, 32));
        CHECK(tx.inputs == chain_transactions[i].inputs);
        CHECK(tx.outputs == chain_transactions[i].outputs);
        char hex[65];
        OK(ltms_txid_to_hex(hex, &txid));
        OK(ltms_txid_from_hex(&again, hex, 64));
        CHECK(memcmp(&txid, &again, 32) == 0);
        GIVES(LTMS_TX_TRUNCATED, ltms_tx_txid(&txid, bytes.data, bytes.len - 1));
        GIVES(LTMS_TX_TRUNCATED, ltms_tx_read(&tx, bytes.data, bytes.len - 1));
    }
    EACH(regtest_txs) {
        OK(ltms_tx_read(&tx, regtest_txs[i].tx.data, regtest_txs[i].tx.len));
        CHECK(same(regtest_txs[i].txid, tx.txid.bytes, 32));
        CHECK(same(regtest_txs[i].txhash, tx.txhash, 32));
    }
    EACH(regtest_policy_results) {
        ltms_span bytes = regtest_policy_results[i].tx;
        OK(ltms_tx_read(&tx, bytes.data, bytes.len));
        CHECK(tx.len == regtest_policy_results[i].size);
    }
    EACH(chain_ltms_burns) {
        ltms_span bytes = chain_ltms_burns[i].tx;
        ltms_txid txid;
        ltms_identity identity;
        ltms_output output;
        ltms_burn_script burn;
        OK(ltms_tx_txid(&txid, bytes.data, bytes.len));
        OK(ltms_identity_id(&identity, &txid, chain_ltms_burns[i].vout));
        CHECK(same(chain_ltms_burns[i].identity, identity.bytes, 32));
        OK(ltms_tx_output(&output, bytes.data, bytes.len, chain_ltms_burns[i].vout));
        CHECK(same(chain_ltms_burns[i].script, output.script.data, output.script.len));
        CHECK(output.value_sats == chain_ltms_burns[i].value_sats);
        OK(ltms_burn_script_parse(&burn, output.script.data, output.script.len));
        CHECK(same(chain_ltms_burns[i].key, burn.public_key.bytes, 33));
        GIVES(LTMS_OUTPUT_INDEX, ltms_identity_id(&identity, &txid, 256));
    }
}

/* Hashes that a real node took signatures of. */
static void sighashes(void)
{
    EACH(chain_sighash) {
        ltms_span bytes = chain_sighash[i].tx;
        ltms_output spent[LTMS_SIGHASH_INPUTS_MAX];
        ltms_tx tx;
        uint8_t hash[32], other[32], valid = 9;
        OK(ltms_tx_read(&tx, bytes.data, bytes.len));
        for (uint32_t input = 0; input < tx.inputs; input++)
            spent[input] = (ltms_output){chain_sighash[i].value_sats, chain_sighash[i].script};
        uint32_t at = chain_sighash[i].input;
        uint8_t type = chain_sighash[i].hash_type;
        OK(ltms_tx_sighash(hash, bytes.data, bytes.len, at, spent, tx.inputs, type, 0));
        CHECK(same(chain_sighash[i].hash, hash, 32));
        if (chain_sighash[i].schnorr) {
            OK(ltms_schnorr_verify(&valid, &AS(ltms_public_key, chain_sighash[i].key), hash,
                                   &AS(ltms_signature, chain_sighash[i].signature)));
            CHECK(valid == 1);
        }
        OK(ltms_tx_sighash(other, bytes.data, bytes.len, at, spent, tx.inputs, type, 0xffdead));
        CHECK(memcmp(hash, other, 32) != 0);
        GIVES(LTMS_VALUE,
              ltms_tx_sighash(other, bytes.data, bytes.len, at, spent, tx.inputs, 0x01, 0));
        GIVES(LTMS_VALUE, ltms_tx_sighash(other, bytes.data, bytes.len, at, spent, tx.inputs, type,
                                          0x1000000));
        GIVES(LTMS_SIGHASH_NO_INPUT, ltms_tx_sighash(other, bytes.data, bytes.len, tx.inputs, spent,
                                                     tx.inputs, type, 0));
        GIVES(LTMS_SIGHASH_SPENT_OUTPUTS,
              ltms_tx_sighash(other, bytes.data, bytes.len, at, spent, tx.inputs - 1, type, 0));
        GIVES(LTMS_LENGTH, ltms_tx_sighash(other, bytes.data, bytes.len, at, spent,
                                           LTMS_SIGHASH_INPUTS_MAX + 1, type, 0));
    }
}

static void headers(void)
{
    ltms_header header;
    uint8_t meets = 9, target[32], work[16];
    EACH(chain_headers) {
        ltms_span bytes = chain_headers[i].header;
        OK(ltms_header_read(&header, bytes.data, bytes.len));
        CHECK(same(chain_headers[i].hash, header.hash.bytes, 32));
        CHECK(same(chain_headers[i].prev, header.prev.bytes, 32));
        CHECK(same(chain_headers[i].root, header.merkle_root, 32));
        CHECK(header.time_ms == chain_headers[i].time_ms && header.bits == chain_headers[i].bits);
        CHECK(header.height == chain_headers[i].height);
        OK(ltms_target_read(target, work, header.bits));
        CHECK(same(chain_headers[i].target, target, 32));
        OK(ltms_header_meets_target(&meets, bytes.data, bytes.len));
        CHECK(meets == chain_headers[i].meets_target);
        GIVES(LTMS_HEADER_LENGTH, ltms_header_meets_target(&meets, bytes.data, bytes.len - 1));
    }
    EACH(regtest_headers) {
        ltms_span bytes = regtest_headers[i].header;
        OK(ltms_header_read(&header, bytes.data, bytes.len));
        CHECK(same(regtest_headers[i].hash, header.hash.bytes, 32));
        CHECK(header.height == regtest_headers[i].height);
    }
    EACH(chain_compact_bits) {
        OK(ltms_target_read(target, work, chain_compact_bits[i].bits));
        CHECK(same(chain_compact_bits[i].target, target, 32));
        CHECK(same(chain_compact_bits[i].work, work, 16));
    }
    GIVES(LTMS_TARGET_ZERO, ltms_target_read(target, work, 0));
    GIVES(LTMS_TARGET_NEGATIVE, ltms_target_read(target, work, 0x1d80ffff));
    GIVES(LTMS_TARGET_OVERFLOW, ltms_target_read(target, work, 0xff00ffff));
}

/* Whether the siblings lead from the transaction to the root, and to no other from beside it. */
static void leads(const uint8_t *leaf, uint32_t index, ltms_span branch, const uint8_t *root)
{
    uint8_t found[32] = {0};
    size_t count = branch.len / 32;
    OK(ltms_merkle_root_from_branch(found, leaf, index, branch.data, count));
    CHECK(memcmp(found, root, 32) == 0);
    for (size_t level = 0; level < count; level++) {
        /* A left node may be missing then, which is another way not to lead there. */
        ltms_status status = ltms_merkle_root_from_branch(found, leaf, index ^ 1u << level,
                                                          branch.data, count);
        CHECK(status == LTMS_BRANCH_MISSING_LEFT || memcmp(found, root, 32) != 0);
    }
    GIVES(LTMS_BRANCH_INDEX, ltms_merkle_root_from_branch(found, leaf, index + (1u << count),
                                                          branch.data, count));
}

/* A header, a byte of metadata, the number of transactions, and the transactions. */
static void block(ltms_span bytes, ltms_span hash, ltms_span txids, const ltms_span *branches)
{
    ltms_header header;
    OK(ltms_header_read(&header, bytes.data, 160));
    CHECK(same(hash, header.hash.bytes, 32));
    size_t count = bytes.data[161], at = 162;
    CHECK(bytes.data[160] == 0 && count < 253);
    CHECK(txids.len == 0 || txids.len == 32 * count);
    uint8_t *leaves = malloc(32 * count), root[32];
    for (size_t i = 0; i < count; i++) {
        ltms_tx tx = {0};
        OK(ltms_tx_read(&tx, bytes.data + at, bytes.len - at));
        OK(ltms_merkle_leaf(leaves + 32 * i, tx.txhash, &tx.txid));
        CHECK(tx.coinbase == (i == 0));
        CHECK(txids.len == 0 || memcmp(txids.data + 32 * i, tx.txid.bytes, 32) == 0);
        if (branches)
            leads(leaves + 32 * i, (uint32_t)i, branches[i], header.merkle_root);
        at += (size_t)tx.len;
    }
    CHECK(at == bytes.len);
    OK(ltms_merkle_root(root, leaves, count));
    CHECK(memcmp(root, header.merkle_root, 32) == 0);
    OK(ltms_merkle_root(root, leaves, count - 1));
    CHECK(memcmp(root, header.merkle_root, 32) != 0);
    free(leaves);
}

static void blocks(void)
{
    EACH(chain_blocks) {
        block(chain_blocks[i].block, chain_blocks[i].hash, chain_blocks[i].txids,
              chain_blocks[i].branches);
    }
    EACH(regtest_blocks) {
        block(regtest_blocks[i].block, regtest_blocks[i].hash, regtest_blocks[i].txids,
              regtest_blocks[i].branches);
    }
    EACH(chain_merkle_branches) {
        ltms_span bytes = chain_merkle_branches[i].tx, header = chain_merkle_branches[i].header;
        ltms_tx tx;
        ltms_header read;
        uint8_t leaf[32];
        OK(ltms_tx_read(&tx, bytes.data, bytes.len));
        CHECK(same(chain_merkle_branches[i].txid, tx.txid.bytes, 32));
        OK(ltms_merkle_leaf(leaf, tx.txhash, &tx.txid));
        OK(ltms_header_read(&read, header.data, header.len));
        leads(leaf, chain_merkle_branches[i].index, chain_merkle_branches[i].branch,
              read.merkle_root);
    }
}

/* Proofs of lotusd's. */
static void txoutproofs(void)
{
    ltms_header header;
    uint32_t position = 0;
    EACH(chain_merkle_proofs) {
        ltms_span proof = chain_merkle_proofs[i].proof, txids = chain_merkle_proofs[i].txids;
        for (size_t at = 0; at < txids.len / 32; at++) {
            const ltms_txid *txid = (const ltms_txid *)(txids.data + 32 * at);
            OK(ltms_txoutproof_verify(&header, &position, proof.data, proof.len, txid));
            CHECK(same(chain_merkle_proofs[i].hash, header.hash.bytes, 32));
            CHECK(position == chain_merkle_proofs[i].at[at]);
        }
        ltms_txid other = {{1}};
        GIVES(LTMS_TX_OUT_PROOF_OTHER_TRANSACTION,
              ltms_txoutproof_verify(&header, &position, proof.data, proof.len, &other));
    }
    EACH(regtest_proofs) {
        ltms_span proof = regtest_proofs[i].proof;
        GIVES(regtest_proofs[i].status,
              ltms_txoutproof_verify(&header, &position, proof.data, proof.len,
                                     &AS(ltms_txid, regtest_proofs[i].txid)));
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

int main(void)
{
    transactions();
    sighashes();
    headers();
    blocks();
    txoutproofs();
    inclusion();
    printf("%d failures\n", failures);
    return failures != 0;
}
