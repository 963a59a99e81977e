"""Writes tests/vectors as C headers: every list that C can play."""

import json

import scenarios
from header import (
    MANIFEST, READ, Header, capitals, document, entries, file, reason, reversed_hex, status, unread,
)

LOTUSD = "what lotusd answers over HTTP, which is net's to read"

# What core has no function for, and why.
NOT_IN_C = {
    "chain.json addresses": "addresses of outputs are net's",
    "gossip-message-id.json": "ids of gossip messages are net's",
    "regtest/chronik_protobuf_examples.json": "what an indexer answers over HTTP is net's to read",
    **{f"regtest/{name}.json": LOTUSD for name in (
        "getbestblockhash", "getblock_verbosity1", "getblock_verbosity2", "getblockchaininfo",
        "getblockcount", "getblockhash_121", "getblockheader_verbose", "getrawtransaction_A_hex",
        "getrawtransaction_A_mempool", "getrawtransaction_A_verbose",
        "getrawtransaction_A_verbose_with_blockhash", "reorg_1_before_getrawtransaction",
        "reorg_2_after_invalidate_getrawtransaction", "reorg_2_after_invalidate_with_blockhash",
        "reorg_2_getblockheader_invalidated", "rest_examples",
    )},
    "regtest/rpc_errors.json .": LOTUSD,
}

# Scripts that the older SDK was asked about and that are no burns here, by the case's name.
SDK_REFUSED = {
    "version 2": "Version",
    "version pushed as OP_1 (0x51)": "NotAPush",
    "prefix other": "Prefix",
    "payload has 20 trailing bytes after pubkey (ignored)": "KeyLength",
    "pubkey split over two pushes (concatenated)": "KeyLength",
    "OP_PUSHDATA1 for pubkey": "NonShortestPush",
    "script 223 bytes (max accepted by isDataOut)": "KeyLength",
    "script 224 bytes": "TooLong",
    "pubkey prefix 04": "KeyPrefix",
}


def script_status(error):
    return status("Script", error) if error else "LTMS_OK"


def scripts(out, name):
    out.table("scripts_valid", [
        "ltms_span script, key, identity", "uint64_t timestamp_ms", "uint8_t has_timestamp, purpose",
    ], [
        (out.bytes(e["script"]), out.bytes(e["key"]), out.bytes(e["identity"] or ""),
         f"{e['timestamp_ms'] or 0}u", int(e["timestamp_ms"] is not None),
         f"LTMS_PURPOSE_{capitals(e['purpose'] or 'None')}")
        for e in entries(name, "valid")
    ])
    out.table("scripts_invalid", ["ltms_span script", "ltms_status status"], [
        (out.bytes(e["script"]), script_status(e["error"])) for e in entries(name, "invalid")
    ])
    # The same transactions, in the same order, are in the chain's file.
    transactions = entries("chain.json", "policy")
    statuses, rows = [], []
    for e, tx in zip(entries(name, "policy"), transactions, strict=True):
        if e["case"] != tx["case"]:
            raise SystemExit(f"{name}: {e['case']} is not {tx['case']}")
        given = [script_status(output.get("error")) for output in e["outputs"]]
        rows.append((out.bytes(tx["raw_tx_hex"]), out.bytes(reversed_hex(e["txid"])),
                     f"SCRIPT_STATUSES + {len(statuses)}", len(given), tx["size"]))
        statuses += given
    out.rows("SCRIPT_STATUSES", "ltms_status", statuses)
    out.table("scripts_policy", [
        "ltms_span tx, txid", "const ltms_status *statuses", "uint32_t outputs, size",
    ], rows)


def schnorr(out, name):
    out.table("schnorr_valid", ["ltms_span secret, key, hash, signature"], [
        tuple(out.bytes(e[key]) for key in ("privkey", "pubkey", "msg", "sig"))
        for e in entries(name, "valid")
    ])
    out.table("schnorr_invalid", ["ltms_span key, hash, signature"], [
        tuple(out.bytes(e[key]) for key in ("pubkey", "msg", "sig"))
        for e in entries(name, "invalid")
    ])
    signed = entries(name, "valid")[0]
    rows = []
    for e in entries(name, "parsing"):
        given = {"msg": signed["msg"], "sigBuffer": signed["sig"]} | e
        theirs = e["upstreamResult"]
        takes = theirs is True or isinstance(theirs, dict) and theirs.get("verifies") is True
        # The older SDK reads 64 bytes that begin like DER as that.
        valid = takes or e["why"].startswith("valid signature")
        rows.append((*(out.bytes(given[key]) for key in ("pubkey", "msg", "sigBuffer")), int(valid)))
    out.table("schnorr_parsing", ["ltms_span key, hash, signature", "uint8_t valid"], rows)


def chain(out, name):
    out.table("chain_transactions", ["ltms_span tx, txid, txhash", "uint32_t inputs, outputs"], [
        (out.bytes(e["raw_tx_hex"]), out.bytes(reversed_hex(e["txid_hex"])),
         out.bytes(reversed_hex(e["txhash_hex"])), e["n_in"], e["n_out"])
        for e in entries(name, "transactions")
    ])
    out.table("chain_ltms_burns", [
        "ltms_span tx, script, key, identity", "uint64_t value_sats", "uint32_t vout",
    ], [
        (out.bytes(e["raw_tx_hex"]), out.bytes(e["script_hex"]), out.bytes(e["pubkey_hex"]),
         out.bytes(e["identity_id_hex"]), f"{e['value_sats']}u", e["vout"])
        for e in entries(name, "ltms_burns")
    ])
    out.table("chain_headers", [
        "ltms_span header, hash, prev, root, target", "uint64_t time_ms",
        "uint32_t height, bits", "uint8_t meets_target",
    ], [
        (out.bytes(e["header_hex"]), out.bytes(reversed_hex(e["block_hash_hex"])),
         out.bytes(reversed_hex(e["header"]["prev"])),
         out.bytes(reversed_hex(e["header"]["merkle"])), out.bytes(e["target_hex"]),
         f"{1000 * e['header']['time']}u", e["height"], f"0x{e['header']['bits']}u",
         int(e["pow_ok"]))
        for e in entries(name, "headers")
    ])
    out.table("chain_merkle_proofs", ["ltms_span proof, hash, txids", "const uint32_t *at"], [
        (out.bytes(e["proof_hex"]), out.bytes(reversed_hex(e["block_hash_hex"])),
         out.bytes("".join(map(reversed_hex, e["matched_txids_hex"]))),
         out.array("uint32_t", e["matched_tx_index"]))
        for e in entries(name, "merkle_proofs")
    ])
    blocks(out, "chain_blocks", [
        (e["block_hex"], e["block_hash_hex"], [tx["txid_hex"] for tx in e["txs"]],
         [tx["branch_internal_hex"] for tx in e["txs"]])
        for e in entries(name, "blocks")
    ])
    out.table("chain_merkle_branches", ["ltms_span tx, txid, header, branch", "uint32_t index"], [
        (out.bytes(e["raw_tx_hex"]), out.bytes(reversed_hex(e["txid_hex"])),
         out.bytes(e["header_hex"]), out.bytes("".join(e["branch_internal_hex"])), e["index"])
        for e in entries(name, "merkle_branches")
    ])
    out.table("chain_compact_bits", ["uint32_t bits", "ltms_span target, work"], [
        (f"0x{e['bits']}u", out.bytes(e["target_hex"]),
         out.bytes(int(e["work"]).to_bytes(16, "little")))
        for e in entries(name, "compact_bits")
    ])
    raw = {e["txid_hex"]: e["raw_tx_hex"] for e in entries(name, "transactions")}
    out.table("chain_sighash", [
        "ltms_span tx, script, hash, key, signature", "uint64_t value_sats", "uint32_t input",
        "uint8_t hash_type, schnorr",
    ], [
        (out.bytes(raw[e["txid_hex"]]), out.bytes(e["spent_script_hex"]),
         out.bytes(e["sighash_hex"]), out.bytes(e["pubkey_hex"]), out.bytes(e["sig_hex"]),
         f"{e['spent_value']}u", e["input"], f"0x{e['hash_type']}u", int(e["alg"] == "schnorr"))
        for e in entries(name, "sighash")
    ])


def blocks(out, name, rows):
    """A table of blocks: bytes, hash, ids of transactions, and their branches where those are."""
    out.table(name, ["ltms_span block, hash, txids", "const ltms_span *branches"], [
        (out.bytes(block), out.bytes(reversed_hex(hash_)),
         out.bytes("".join(map(reversed_hex, txids))),
         out.array("ltms_span", [out.bytes("".join(branch)) for branch in branches]))
        for block, hash_, txids, branches in rows
    ])


def regtest(out, name):
    headers = entries("regtest/headers_110_133.json", ".")
    epochs = entries("regtest/epoch_headers.json", ".")
    mined = entries("regtest/confirm_blocks_121_126.json", ".")
    full = document("regtest/block_21tx.json")
    first = file("regtest/block_121.hex").decode().strip()
    if not first.startswith(file("regtest/block_121_header.hex").decode().strip()):
        raise SystemExit("block 121 has another header")
    out.table("regtest_headers", ["ltms_span header, hash", "uint32_t height"], [
        (out.bytes(e["header_hex"]), out.bytes(reversed_hex(e["block_hash_hex"])), e["height"])
        for e in [*headers, *epochs, *mined, full]
    ])
    blocks(out, "regtest_blocks", [
        (e["block_hex"], e["block_hash_hex"], [], []) for e in [*mined, full]
    ] + [(first, mined[0]["block_hash_hex"], [], [])])
    txs = document("regtest/txs.json")
    out.table("regtest_txs", ["ltms_span tx, txid, txhash"], [
        (out.bytes(e["raw_tx_hex"]), out.bytes(reversed_hex(e["txid"])),
         out.bytes(reversed_hex(e["txhash"])))
        for e in txs.values()
    ])
    out.table("regtest_policy_results", ["ltms_span tx", "uint32_t size"], [
        (out.bytes(e["raw_tx_hex"]), e["size"])
        for e in document("regtest/policy_results.json").values()
    ])
    proofs = [
        (txs[of]["txid"], file(f"regtest/{name}.hex").decode().strip(), "LTMS_OK")
        for name, of in (("gettxoutproof_A", "A"), ("gettxoutproof_A_and_C", "A"),
                         ("gettxoutproof_A_and_C", "C"))
    ]
    for name in ("gettxoutproof_A", "gettxoutproof_A_blockhash"):
        told = document(f"regtest/{name}.json")
        proof = json.loads(told["response_body"])["result"]
        proofs.append((told["request"]["params"][0][0], proof, "LTMS_OK"))
    for name, given in (("A", "LTMS_OK"), ("tampered", "LTMS_TX_OUT_PROOF_ROOT")):
        asked = document(f"regtest/verifytxoutproof_{name}.json")["request"]["params"][0]
        proofs.append((txs["A"]["txid"], asked, given))
    known = document("regtest/proofs.json")
    if not txs.keys() <= known.keys():
        raise SystemExit("regtest/proofs.json lacks proofs")
    proofs += [(tx["txid"], known[of], "LTMS_OK") for of, tx in txs.items()]
    out.table("regtest_proofs", ["ltms_span proof, txid", "ltms_status status"], [
        (out.bytes(proof), out.bytes(reversed_hex(txid)), given) for txid, proof, given in proofs
    ])


def older_sdk(out, name):
    cases = entries(name, "registration_cases")
    if not SDK_REFUSED.keys() <= {e["name"] for e in cases}:
        raise SystemExit(f"{name} lacks cases")
    out.table("sdk_registration_cases", ["ltms_span script", "ltms_status status"], [
        (out.bytes(e["scriptHex"]), script_status(SDK_REFUSED.get(e["name"]))) for e in cases
    ])
    root = document(name)
    of, old_rule = root["identity_id"], root["legacy_even_y_rule_before_e44bdaf"]
    out.table("sdk_identity_id", ["ltms_span txid, identity", "uint32_t vout"], [
        (out.bytes(reversed_hex(of["txid_hex_as_displayed"])), out.bytes(of["identityId"]),
         of["outputIndex"]),
    ])
    old, new = root["op_return"]["pubkey"], root["rotation"]["newPubkey"]
    rows = []
    for key, what, field in ((old, "registration", "signatureHex"),
                             (old, "rotation", "oldKeySignatureHex"),
                             (new, "rotation", "newKeySignatureHex")):
        # Before December 2025 the SDK chose R by parity, which is another scheme.
        for signature, valid in ((root[what][field], 1), (old_rule[f"{what}_{field}"], 0)):
            rows.append((out.bytes(key), out.bytes(root[what]["hashHex"]), out.bytes(signature),
                         valid))
    out.table("sdk_signatures", ["ltms_span key, hash, signature", "uint8_t valid"], rows)


def question(out, entry):
    """What an inclusion proof is asked: a transaction, an output, an anchor or none."""
    anchor = entry.get("anchor")
    anchored = isinstance(anchor, dict)
    return (
        out.bytes(entry["proof"]), out.bytes(reversed_hex(entry["txid"])),
        out.bytes(reversed_hex(anchor["hash"]) if anchored else ""), f"{entry['vout']}u",
        f"{anchor['height'] if anchored else 0}u",
    )


def inclusion(out, name):
    asked = ["ltms_span proof, txid, anchor", "uint32_t vout, anchor_height"]
    out.table("inclusion_valid", [
        *asked, "ltms_span block, script", "uint64_t work, value_sats",
        "uint32_t position, height, depth",
    ], [
        (*question(out, e), out.bytes(reversed_hex(e["block_hash"])), out.bytes(e["script"]),
         f"{int(e.get('work', 0)) % 2**64}u", f"{e['value_sats']}u", f"{e['position']}u",
         e["height"], e["depth"])
        for e in entries(name, "valid")
    ])
    out.table("inclusion_invalid", [*asked, "ltms_status status"], [
        (*question(out, e), status("Proof", e["error"])) for e in entries(name, "invalid")
    ])
    out.table("inclusion_flipped", [*asked, "const ltms_status *statuses"], [
        (*question(out, e),
         out.array("ltms_status", [status("Proof", error) for error in e["errors"]]))
        for e in entries(name, "flipped")
    ])


def wire(out, name):
    network = {"main": 0, "test": 1, "reg": 2}
    out.table("wire_valid", [
        "ltms_span envelope, secret, author", "uint64_t created_at_ms", "uint8_t network, kind",
    ], [
        (out.bytes(e["envelope"]), out.bytes(e["secret_key"]),
         out.bytes(e["fields"].get("author", "")), f"{e['fields'].get('created_at', 0)}u",
         network[e["network"]], e["kind"])
        for e in entries(name, "valid")
    ])
    for list_ in ("invalid", "mutated"):
        out.table(f"wire_{list_}", ["ltms_span envelope", "uint8_t network, reason"], [
            (out.bytes(e["envelope"]), network[e["network"]], reason(e["reason"]))
            for e in entries(name, list_)
        ])
    out.table("wire_delegations", [
        "ltms_span identity, delegated, secret, signature", "uint64_t sequence, not_after_ms",
        "uint8_t network",
    ], [
        (*(out.bytes(e[key]) for key in ("identity", "delegated", "secret_key", "signature")),
         f"{e['sequence']}u", f"{e['not_after']}u", network[e["network"]])
        for e in entries(name, "delegations")
    ])
    out.table("wire_history", ["ltms_span envelope"], [
        (out.bytes(envelope),) for envelope in entries(name, "history")
    ])


def snapshots(out, name):
    rows = MANIFEST[name]["entries"]
    out.table("snapshots", ["ltms_span snapshot", "uint32_t identities"], [
        (out.bytes("".join(file(name).decode().split())), rows["4"]),
    ])


def recordings(out, name):
    lines = file(name).decode().splitlines()
    if len(lines) != MANIFEST[name]["entries"]["lines"]:
        raise SystemExit(f"{name} has {len(lines)} lines")
    # From # on a line is a comment.
    records = [line.partition("#")[0].strip() for line in lines]
    out.table("recordings", ["ltms_span record"], [(out.bytes(record),) for record in records])


FILES = {
    "scripts.json": scripts, "schnorr.json": schnorr, "chain.json": chain, "regtest": regtest,
    "lotus-sdk-ltms.json": older_sdk, "inclusion.json": inclusion, "wire.json": wire,
    "snapshots/1.hex": snapshots, "recordings/flood.txt": recordings,
}


def write(folder):
    """Writes the headers, and says how many entries each table has."""
    out = Header()
    for name, convert in FILES.items():
        convert(out, name)
    out.write(folder / "vectors.h", "ltms.h")
    counts = out.counts | scenarios.write(folder / "scenarios.h")
    if skipped := unread(MANIFEST, READ, NOT_IN_C):
        raise SystemExit(f"neither played by C nor named in NOT_IN_C: {skipped}")
    return counts
