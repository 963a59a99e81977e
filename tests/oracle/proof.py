#!/usr/bin/env python3
"""Writes tests/vectors/inclusion.json, its line in the manifest, and the example of docs/proof.md.

Standard library only, no code shared with the Rust sources. The blocks are those that a real lotusd
recorded; only the blocks above height 133 are made here, at regtest's two hashes a block, because
a burn must lie deeper than what was recorded.

    tests/oracle/proof.py            writes them
    tests/oracle/proof.py --check    fails if they are not what it would write
"""

import json
import pathlib
import sys

from _proof_judge import Transaction, Wrong, block_hash, dsha, judge, number, sha256, target

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests/vectors"
VECTORS = FOLDER / "inclusion.json"
MANIFEST = FOLDER / "manifest.json"
PAGE = ROOT / "docs/proof.md"


def load(name):
    return json.loads((FOLDER / name).read_text())


class Block:
    def __init__(self, raw):
        self.header, rest = raw[:160], raw[160:]
        assert rest[0] == 0 and rest[1] < 253, "metadata or many transactions"
        count, rest = rest[1], rest[2:]
        self.txs = []
        for _ in range(count):
            self.txs.append(Transaction(rest))
            rest = rest[len(self.txs[-1].raw) :]
        assert not rest and self.branch(0) is not None

    def branch(self, position):
        level, branch = [tx.leaf for tx in self.txs], []
        while len(level) > 1:
            level = level + [bytes(32)] * (len(level) % 2)
            branch.append(level[position ^ 1])
            level = [dsha(a + b) for a, b in zip(level[::2], level[1::2])]
            position //= 2
        assert level[0] == self.header[96:128], "the root"
        return branch


def mine(parent, height):
    """A block on top of another, with regtest's difficulty and nothing in it."""
    time = number(parent[36:42]) + 120
    for nonce in range(1000):
        header = block_hash(parent) + parent[32:36] + time.to_bytes(6, "little") + bytes(2)
        header += nonce.to_bytes(8, "little") + b"\1" + (300).to_bytes(7, "little")
        header += height.to_bytes(4, "little") + parent[64:96] + sha256(b"%d" % height)
        header += parent[128:160]
        if number(block_hash(header)) <= target(number(header[32:36])):
            return header
    raise AssertionError("two hashes should do")


def chain():
    """The headers from 110 to 193 by height."""
    headers = {e["height"]: bytes.fromhex(e["header_hex"]) for e in load("regtest/headers_110_133.json")}
    for height in range(134, 194):
        headers[height] = mine(headers[height - 1], height)
    for height in range(111, 194):
        assert headers[height][:32] == block_hash(headers[height - 1])
        assert number(headers[height][60:64]) == height
    return headers


HEADERS = chain()
B121 = Block(bytes.fromhex(load("regtest/confirm_blocks_121_126.json")[0]["block_hex"]))
B187 = Block(bytes.fromhex(load("regtest/block_21tx.json")["block_hex"]))
MAINNET = {
    e["height"]: Block(bytes.fromhex(e["block_hex"]))
    for e in load("chain.json")["blocks"]
    if e["network"] == "mainnet" and e["n_tx"] > 1
}
A = 5  # the position of the first regtest burn in block 121


def plain(header):
    return sha256(header[32:52] + sha256(header[52:]))


def with_work(header):
    return header[32:52] + sha256(header[52:])


def upto(height, reduced=plain):
    return [reduced(HEADERS[h]) for h in range(122, height + 1)]


def encode(block=B121, position=A, links=(), form=1, **changed):
    parts = {"position": position, "header": block.header}
    parts |= {"tx": block.txs[position].raw, "branch": block.branch(position)}
    parts |= changed
    count = parts.get("count", len(parts["branch"]))
    return b"".join(
        [bytes([form]), parts["position"].to_bytes(4, "little"), bytes([count])]
        + [*parts["branch"], parts["header"], parts["tx"], *links]
    )


def anchor_at(height):
    return block_hash(HEADERS[height]), height


def own_anchor(block):
    return block_hash(block.header), number(block.header[60:64])


def case(name, proof, anchor, tx=None, vout=0):
    txid = (tx or B121.txs[A]).txid
    return {"name": name, "proof": proof, "txid": txid, "vout": vout, "anchor": anchor}


def burn_output(tx):
    """The output that burns, or the first one."""
    marks = [i for i, (_, script) in enumerate(tx.outputs) if script.startswith(b"\x6a\4LTMS")]
    return marks[0] if marks else 0


def valid():
    for height in (*range(121, 134), 193):
        proof = encode(links=upto(height))
        yield case(f"burn A, {height - 121} blocks below the anchor", proof, anchor_at(height))
    for height in (122, 133, 193):
        proof = encode(links=upto(height, with_work), form=2)
        blocks = height - 121
        yield case(f"burn A, {blocks} blocks that show their work", proof, anchor_at(height))
        yield case(f"burn A, {blocks} blocks, their work alone", proof, None)
    yield case("burn A, the work of its block alone", encode(), None)
    yield case("burn A, its change", encode(links=upto(126)), anchor_at(126), vout=1)
    for block, name in ((B121, "block 121"), (B187, "block 187")):
        for position in range(1, len(block.txs)):
            tx = block.txs[position]
            proof = encode(block, position)
            text = f"{name}, transaction {position}"
            yield case(text, proof, own_anchor(block), tx, burn_output(tx))
    for height, block in MAINNET.items():
        for anchor, how in ((own_anchor(block), "anchored"), (None, "its work")):
            yield case(f"mainnet block {height}, {how}", encode(block, 1), anchor, block.txs[1])


def patched(data, at, new):
    return data[:at] + new + data[at + len(new) :]


def invalid():
    """Names of errors and cases."""
    good = encode(links=upto(126))
    anchor = anchor_at(126)
    tx, header, branch = B121.txs[A], B121.header, B121.branch(A)
    tx_at = 6 + 96 + 160

    def bad(error, name, proof, anchor=anchor, **more):
        return error, case(name, proof, anchor, **more)

    def changed(**parts):
        return encode(links=upto(126), **parts)

    for at, where in ((0, "nothing"), (3, "the position cut"), (5, "no branch length"),
                      (50, "the branch cut"), (150, "the header cut")):
        yield bad("Truncated", where, good[:at])
    yield bad("Tx(Truncated)", "no transaction", good[:tx_at])
    yield bad("Tx(Truncated)", "the transaction cut", good[: tx_at + len(tx.raw) - 1])
    yield bad("Links", "the last link cut", good[:-1])
    yield bad("Links", "a byte after the links", good + b"\0")
    yield bad("Form", "form 0", b"\0" + good[1:])
    yield bad("Form", "form 3", b"\3" + good[1:])
    yield bad("Links", "plain links said to show work", b"\2" + good[1:])
    yield bad("Links", "work said to be shown by no link", encode(form=2), anchor_at(121))
    yield bad("Branch(TooDeep)", "a branch of 33", changed(branch=[bytes(32)] * 33))
    yield bad("Branch(TooDeep)", "a branch said to be of 255", changed(count=255))
    yield bad("Header(Reserved)", "a reserved bit", changed(header=patched(header, 42, b"\1")))
    yield bad("Header(Version)", "header version 2", changed(header=patched(header, 52, b"\2")))
    yield bad("Header(BlockSize)", "a huge block", changed(header=patched(header, 59, b"\1")))
    yield bad("Header(Height)", "a negative height", changed(header=patched(header, 63, b"\x80")))
    raw = tx.raw
    yield bad("Tx(NonCanonicalSize)", "one input in three bytes",
              changed(tx=raw[:4] + b"\xfd\1\0" + raw[5:]))
    yield bad("Tx(SizeTooLarge)", "too many inputs", changed(tx=raw[:4] + b"\xfe\1\0\0\2" + raw[5:]))
    value_at = raw.index((50_000_000).to_bytes(8, "little"))
    yield bad("Tx(ValueOutOfRange)", "a negative value", changed(tx=patched(raw, value_at + 7, b"\x80")))
    most = (2_100_000_000 * 1_000_000).to_bytes(8, "little")
    yield bad("Tx(SumOutOfRange)", "more money than exists", changed(tx=patched(raw, value_at, most)))

    small = b"\2\0\0\0\1" + bytes(36) + b"\0" + b"\xff" * 4 + b"\1" + bytes(8) + b"\0" + bytes(4)
    for length, error in ((64, "TxSize"), (99, "TxSize"), (100, "OtherTransaction")):
        pad = length - len(small)
        short = small[:-5] + bytes([pad]) + bytes(pad) + bytes(4)
        assert len(short) == length
        yield bad(error, f"a transaction of {length} bytes", changed(tx=short))
    first = B121.txs[0]
    proof = encode(B121, 0, links=upto(126))
    yield bad("Coinbase", "the coinbase, with its own branch", proof, tx=first)
    yield bad("Coinbase", "the coinbase at another position", patched(proof, 1, b"\1"), tx=first)
    yield bad("Coinbase", "position 0", patched(good, 1, b"\0"))
    yield bad("OtherTransaction", "another transaction of the block", good, tx=B121.txs[1])
    outpoint = case("the id in display order", good, anchor)
    yield "OtherTransaction", outpoint | {"txid": tx.txid[::-1]}
    yield bad("OtherTransaction", "a value moved", changed(tx=patched(raw, value_at, b"\x81")))
    yield bad("NoOutput", "output 2 of 2", good, vout=2)
    yield bad("NoOutput", "the last index of all", good, vout=2**32 - 1)
    yield bad("Branch(Index)", "an index beyond the branch", patched(good, 1, bytes([A + 8])))
    yield bad("Branch(Index)", "the highest index", patched(good, 1, b"\xff" * 4))
    yield bad("Branch(Index)", "no branch", changed(branch=[]))
    yield bad("Branch(Index)", "a branch without its top", changed(branch=branch[:-1]))
    yield bad("Branch(MissingLeft)", "no left neighbour", changed(branch=[bytes(32), *branch[1:]]))
    yield bad("Root", "another position", patched(good, 1, b"\4"))
    yield bad("Root", "a branch with one more level", changed(branch=[*branch, bytes(32)]))
    yield bad("Root", "a branch from the root down", changed(branch=branch[::-1]))
    yield bad("Root", "another transaction's branch", changed(branch=B121.branch(1)))
    yield bad("Root", "no right neighbour", changed(branch=[branch[0], bytes(32), branch[2]]))
    script_at = raw.index(b"\x64\x41") + 2
    signed_again = patched(raw, script_at, bytes([raw[script_at] ^ 1]))
    assert Transaction(signed_again).txid == tx.txid
    yield bad("Root", "the same id with another signature", changed(tx=signed_again))
    yield bad("Root", "the next block's header", changed(header=HEADERS[122]))
    yield bad("Root", "the root in display order",
              changed(header=patched(header, 96, header[96:128][::-1])))

    yield bad("Height", "a link too few", encode(links=upto(125)))
    yield bad("Height", "a link too many", encode(links=upto(127)))
    yield bad("Height", "an anchor one higher", good, (anchor[0], 127))
    yield bad("Height", "an anchor below the block", good, anchor_at(120))
    yield bad("Height", "a header that claims another height",
              changed(header=patched(header, 60, b"\x7a")))
    yield bad("Height", "the highest anchor", good, (anchor[0], 2**32 - 1))
    yield bad("Anchor", "an anchor of another hash", good, (block_hash(HEADERS[125]), 126))
    yield bad("Anchor", "an anchor in display order", good, (anchor[0][::-1], 126))
    links = upto(126)
    yield bad("Anchor", "links in another order", encode(links=links[::-1]))
    yield bad("Anchor", "a link twice", encode(links=[*links[:3], links[2], links[4]]))
    yield bad("Anchor", "a header with another nonce",
              changed(header=patched(header, 44, bytes([header[44] ^ 1]))))
    fork = mine(patched(HEADERS[125], 36, b"\0"), 126)
    yield bad("Anchor", "a last block of another branch", encode(links=[*links[:-1], plain(fork)]))
    worked = upto(126, with_work)
    later = patched(worked[2], 4, bytes([worked[2][4] ^ 1]))
    yield bad("Anchor", "a block that shows another time",
              encode(links=[*worked[:2], later, *worked[3:]], form=2))

    yield bad("Work", "links that show no work", good, None)
    for name, bits in (("no target", 0), ("a negative target", 0x20FFFFFF),
                       ("a target of more than 256 bits", 0xFF123456), ("a hard target", 0x1C100000)):
        link = bits.to_bytes(4, "little") + worked[0][4:]
        yield bad("Work", f"a block with {name}", encode(links=[link, *worked[1:]], form=2), None)
    block = MAINNET[17254]
    idle = encode(block, 1, header=patched(block.header, 44, b"\0"))
    yield bad("Work", "a block of mainnet with another nonce", idle, None, tx=block.txs[1])
    easy = patched(block.header, 32, (0x207FFFFF).to_bytes(4, "little"))
    easy = patched(easy, 96, bytes(32))
    yield bad("Root", "an easy block", encode(block, 1, header=easy), None, tx=block.txs[1])


def flipped():
    """What each byte of a proof brings about when its lowest bit is another one."""
    good = encode(links=upto(126))
    errors = []
    for at in range(len(good)):
        try:
            judge(patched(good, at, bytes([good[at] ^ 1])), B121.txs[A].txid, 0, anchor_at(126))
        except Wrong as error:
            errors.append(str(error))
    assert len(errors) == len(good), "a changed byte went unnoticed"
    return case("burn A, 5 blocks below the anchor", good, anchor_at(126)) | {"errors": errors}


def to_json(value):
    if isinstance(value, dict):
        value = dict(value)
        if "txid" in value:
            value["txid"] = value["txid"][::-1]
        if "block_hash" in value:
            value["block_hash"] = value["block_hash"][::-1]
        if value.get("anchor"):
            value["anchor"] = {"hash": value["anchor"][0][::-1], "height": value["anchor"][1]}
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [to_json(item) for item in value]
    return value.hex() if isinstance(value, bytes) else value


def example():
    proof, tx = encode(links=upto(122)), B121.txs[A]
    rows = [("txid", tx.txid[::-1]), ("output", b"\0"), ("anchor", anchor_at(122)[0][::-1])]
    rows += [("form", proof[:1]), ("position", proof[1:5]), ("branch", proof[5:102])]
    rows += [("header", proof[102:262]), ("raw tx", tx.raw), ("link", proof[-32:])]
    assert proof == b"".join(value for _, value in rows[3:])
    lines = ["```"]
    for name, value in rows:
        text = value.hex()
        chunks = [text[i : i + 80] for i in range(0, len(text), 80)]
        lines += [f"{name if i == 0 else '':<10}{chunk}" for i, chunk in enumerate(chunks)]
    return "\n".join([*lines, "```", ""])


def main():
    good, bad = [], []
    for entry in valid():
        good.append(entry | judge(entry["proof"], entry["txid"], entry["vout"], entry["anchor"]))
    for error, entry in invalid():
        try:
            judge(entry["proof"], entry["txid"], entry["vout"], entry["anchor"])
        except Wrong as found:
            assert str(found) == error, f"{entry['name']}: {found}, not {error}"
        else:
            raise AssertionError(f"{entry['name']} is valid")
        bad.append(entry | {"error": error})
    vectors = to_json(
        {
            "about": "Written by tests/oracle/proof.py; see docs/proof.md. Txids and block hashes "
            "are in display order. Without an anchor the work is weighed.",
            "valid": good,
            "invalid": bad,
            "flipped": [flipped()],
        }
    )
    page = PAGE.read_text()
    mark = "<!-- written by tests/oracle/proof.py -->\n"
    page = page[: page.index(mark) + len(mark)] + "\n" + example()
    wanted = {VECTORS: json.dumps(vectors, indent=1) + "\n", PAGE: page}
    if "--check" in sys.argv[1:]:
        stale = [str(p) for p, text in wanted.items() if not p.exists() or p.read_text() != text]
        sys.exit(f"not what the oracle writes: {', '.join(stale)}" if stale else 0)
    for path, text in wanted.items():
        path.write_text(text)
    # The manifest's hash is checked by the tests that read it.
    counts = {name: len(cases) for name, cases in vectors.items() if name != "about"}
    manifest = json.loads(MANIFEST.read_text())
    hash_ = sha256(VECTORS.read_bytes()).hex()
    manifest["inclusion.json"] = {"sha256": hash_, "entries": counts}
    MANIFEST.write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main()
