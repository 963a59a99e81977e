"""Writes tests/vectors as a C header: every list that C can play, with bytes in one long array."""

import hashlib
import json
import re
from pathlib import Path

VECTORS = Path(__file__).resolve().parent.parent / "vectors"

# Lists of the files below that C has no function for, and why.
NOT_IN_C = {
    "schnorr.json parsing": "forms of text and DER that lengths rule out in C",
    "chain.json blocks": "whole blocks are no part of the interface",
    "chain.json merkle_branches": "branches come as parts of claims and proofs",
    "chain.json compact_bits": "targets are no part of the interface",
    "chain.json policy": "what lotusd relays; the scripts are in scripts.json",
    "chain.json sighash": "signing transactions is no part of the interface",
    "chain.json addresses": "addresses of outputs are no part of the interface",
    "scripts.json policy": "what lotusd relays; the scripts are in the other lists",
    "wire.json history": "plain envelopes without an expectation of their own",
}


def load(name):
    """The lists of a file whose hash and counts are the manifest's."""
    manifest = json.loads((VECTORS / "manifest.json").read_text())[name]
    data = (VECTORS / name).read_bytes()
    if hashlib.sha256(data).hexdigest() != manifest["sha256"]:
        raise SystemExit(f"{name} was changed")
    root = json.loads(data)
    for list_, count in manifest["entries"].items():
        if len(root[list_]) != count or not count:
            raise SystemExit(f"{name}: {list_} has not {count} entries")
    return root, set(manifest["entries"])


def capitals(name):
    """`NotOpReturn` → `NOT_OP_RETURN`."""
    return re.sub(r"(?<=.)(?=[A-Z])", "_", name).upper()


def status(group, error):
    """The status for an error as the core writes it: `Root` or `Branch(Index)`."""
    inner = re.fullmatch(r"(\w+)\((\w+)\)", error)
    group, error = inner.groups() if inner else (group, error)
    return f"LTMS_{capitals(group)}_{capitals(error)}"


def reason(name):
    return f"LTMS_REASON_{name.replace('-', '_').upper()}"


def reversed_hex(text):
    return bytes.fromhex(text)[::-1].hex()


class Header:
    """Collects bytes and tables."""

    def __init__(self):
        self.blob = bytearray()
        self.tables = []
        self.counts = {}

    def bytes(self, text):
        """A span of the long array, for hexadecimal digits."""
        at = len(self.blob)
        self.blob += bytes.fromhex(text)
        return f"{{VECTOR_BYTES + {at}, {len(text) // 2}}}"

    def table(self, file, list_, fields, rows):
        name = f"{file.partition('.')[0]}_{list_}"
        members = "".join(f"    {field};\n" for field in fields)
        lines = "".join("    {" + ", ".join(str(cell) for cell in row) + "},\n" for row in rows)
        self.tables.append(
            f"UNUSED static const struct {{\n{members}}} {name}[] = {{\n{lines}}};\n"
        )
        self.counts[name] = len(rows)

    def write(self, path):
        lines = [
            ", ".join(f"0x{byte:02x}" for byte in self.blob[at:at + 20])
            for at in range(0, len(self.blob), 20)
        ]
        path.write_text(
            "/* Written by tests/c/vectors.py from tests/vectors. */\n"
            '#include "ltms.h"\n\n#define UNUSED __attribute__((unused))\n\n'
            "static const uint8_t VECTOR_BYTES[] = {\n    " + ",\n    ".join(lines) + ",\n};\n\n"
            + "\n".join(self.tables)
        )


def scripts(out, root):
    out.table("scripts", "valid", [
        "ltms_span script, key, identity", "uint64_t timestamp_ms", "uint8_t has_timestamp, purpose",
    ], [
        (out.bytes(e["script"]), out.bytes(e["key"]), out.bytes(e["identity"] or ""),
         f"{e['timestamp_ms'] or 0}u", int(e["timestamp_ms"] is not None),
         f"LTMS_PURPOSE_{capitals(e['purpose'] or 'None')}")
        for e in root["valid"]
    ])
    out.table("scripts", "invalid", ["ltms_span script", "ltms_status status"], [
        (out.bytes(e["script"]), status("Script", e["error"])) for e in root["invalid"]
    ])


def schnorr(out, root):
    out.table("schnorr", "valid", ["ltms_span secret, key, hash, signature"], [
        tuple(out.bytes(e[key]) for key in ("privkey", "pubkey", "msg", "sig"))
        for e in root["valid"]
    ])
    out.table("schnorr", "invalid", ["ltms_span key, hash, signature"], [
        tuple(out.bytes(e[key]) for key in ("pubkey", "msg", "sig")) for e in root["invalid"]
    ])


def chain(out, root):
    out.table("chain", "transactions", ["ltms_span tx, txid"], [
        (out.bytes(e["raw_tx_hex"]), out.bytes(reversed_hex(e["txid_hex"])))
        for e in root["transactions"]
    ])
    out.table("chain", "ltms_burns", ["ltms_span tx, script, key, identity", "uint32_t vout"], [
        (out.bytes(e["raw_tx_hex"]), out.bytes(e["script_hex"]), out.bytes(e["pubkey_hex"]),
         out.bytes(e["identity_id_hex"]), e["vout"])
        for e in root["ltms_burns"]
    ])
    out.table("chain", "headers", ["ltms_span header, hash", "uint32_t height"], [
        (out.bytes(e["header_hex"]), out.bytes(reversed_hex(e["block_hash_hex"])), e["height"])
        for e in root["headers"]
    ])
    out.table("chain", "merkle_proofs", ["ltms_span proof, hash, txids", "uint32_t first"], [
        (out.bytes(e["proof_hex"]), out.bytes(reversed_hex(e["block_hash_hex"])),
         out.bytes("".join(reversed_hex(txid) for txid in e["matched_txids_hex"])),
         e["matched_tx_index"][0] if e["matched_tx_index"] else 0)
        for e in root["merkle_proofs"]
    ])


def question(out, entry):
    """What an inclusion proof is asked: a transaction, an output, an anchor or none."""
    anchor = entry.get("anchor")
    anchored = isinstance(anchor, dict)
    return (
        out.bytes(entry["proof"]), out.bytes(reversed_hex(entry["txid"])),
        out.bytes(reversed_hex(anchor["hash"]) if anchored else ""), f"{entry['vout']}u",
        f"{anchor['height'] if anchored else 0}u",
    )


def inclusion(out, root):
    asked = ["ltms_span proof, txid, anchor", "uint32_t vout, anchor_height"]
    out.table("inclusion", "valid", [
        *asked, "ltms_span block, script", "uint64_t work, value_sats",
        "uint32_t position, height, depth",
    ], [
        (*question(out, e), out.bytes(reversed_hex(e["block_hash"])), out.bytes(e["script"]),
         f"{int(e.get('work', 0)) % 2**64}u", f"{e['value_sats']}u", f"{e['position']}u",
         e["height"], e["depth"])
        for e in root["valid"]
    ])
    out.table("inclusion", "invalid", [*asked, "ltms_status status"], [
        (*question(out, e), status("Proof", e["error"])) for e in root["invalid"]
    ])
    out.table("inclusion", "flipped", [*asked, "const ltms_status *statuses"], [
        (*question(out, e), f"flipped_{number}") for number, e in enumerate(root["flipped"])
    ])
    for number, entry in enumerate(root["flipped"]):
        names = ", ".join(status("Proof", error) for error in entry["errors"])
        out.tables.insert(0, f"UNUSED static const ltms_status flipped_{number}[] = {{{names}}};\n")


def wire(out, root):
    network = {"main": 0, "test": 1, "reg": 2}
    out.table("wire", "valid", [
        "ltms_span envelope, secret, author", "uint64_t created_at_ms", "uint8_t network, kind",
    ], [
        (out.bytes(e["envelope"]), out.bytes(e["secret_key"]),
         out.bytes(e["fields"].get("author", "")), f"{e['fields'].get('created_at', 0)}u",
         network[e["network"]], e["kind"])
        for e in root["valid"]
    ])
    for list_ in ("invalid", "mutated"):
        out.table("wire", list_, ["ltms_span envelope", "uint8_t network, reason"], [
            (out.bytes(e["envelope"]), network[e["network"]], reason(e["reason"]))
            for e in root[list_]
        ])
    out.table("wire", "delegations", [
        "ltms_span identity, delegated, secret, signature", "uint64_t sequence, not_after_ms",
        "uint8_t network",
    ], [
        (*(out.bytes(e[key]) for key in ("identity", "delegated", "secret_key", "signature")),
         f"{e['sequence']}u", f"{e['not_after']}u", network[e["network"]])
        for e in root["delegations"]
    ])


def write(path):
    """Writes the header, and says how many entries each list has."""
    out = Header()
    files = {"scripts.json": scripts, "schnorr.json": schnorr, "chain.json": chain,
             "inclusion.json": inclusion, "wire.json": wire}
    for file, convert in files.items():
        root, lists = load(file)
        convert(out, root)
        for list_ in sorted(lists):
            name = f"{file.partition('.')[0]}_{list_}"
            if (name in out.counts) == (f"{file} {list_}" in NOT_IN_C):
                raise SystemExit(f"{file}: {list_} is neither played by C nor named in NOT_IN_C")
    out.write(path)
    return out.counts
