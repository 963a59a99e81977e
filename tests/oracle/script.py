#!/usr/bin/env python3
"""Writes tests/vectors/scripts.json and its line in the manifest: burn scripts and their verdicts.

Standard library only, no code shared with the Rust sources. A strict reader of the one form that
is a burn, a loose one that takes what lotus-sdk 0.2.0 takes, and the ids of the transactions that
a real node was asked about (`policy` of chain.json).

    tests/oracle/script.py            writes them
    tests/oracle/script.py --check    fails if they are not what it would write
"""

import json
import pathlib
import sys

from _lotus_schnorr import P, public_key, sha256

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHAIN = ROOT / "tests/vectors/chain.json"
VECTORS = ROOT / "tests/vectors/scripts.json"
MANIFEST = ROOT / "tests/vectors/manifest.json"

PURPOSES = {1: "Rotation", 2: "AdditionalKey", 3: "SigningRequest"}
PURPOSES |= {4: "WeeklyExtension", 5: "DirectoryEntry", 6: "TopUp"}
PUSHDATA = {0x4C: 1, 0x4D: 2, 0x4E: 4}
OP_RETURN, OP_16, MAX_LEN = 0x6A, 0x60, 223


class Refused(Exception):
    """Named as in the Rust sources."""


def strict_pushes(script):
    """The pushes after OP_RETURN one by one, each in its shortest direct form."""
    at = 1
    while at < len(script):
        opcode = script[at]
        at += 1
        if opcode in PUSHDATA:
            width = PUSHDATA[opcode]
            if at + width > len(script):
                raise Refused("Truncated")
            size = int.from_bytes(script[at : at + width], "little")
            at += width
            shortest = {1: 76, 2: 256, 4: 65536}[width]
            if size < shortest:
                raise Refused("NonShortestPush")
        elif 1 <= opcode <= 75:
            size = opcode
        else:
            raise Refused("NotAPush")
        if at + size > len(script):
            raise Refused("Truncated")
        yield script[at : at + size]
        at += size


def is_on_curve(x):
    square = (x**3 + 7) % P
    return x < P and pow(square, (P - 1) // 2, P) in (0, 1)


def parse(script):
    """What a burn's script says; raises Refused for everything else."""
    if len(script) > MAX_LEN:
        raise Refused("TooLong")
    if script[:1] != bytes([OP_RETURN]):
        raise Refused("NotOpReturn")
    pushes = strict_pushes(script)

    def required():
        for push in pushes:
            return push
        raise Refused("Truncated")

    if required() != b"LTMS":
        raise Refused("Prefix")
    if required() != b"\x01":
        raise Refused("Version")
    key = required()
    if len(key) != 33:
        raise Refused("KeyLength")
    if key[0] not in (2, 3):
        raise Refused("KeyPrefix")
    if not is_on_curve(int.from_bytes(key[1:], "big")):
        raise Refused("KeyOffCurve")
    burn = {"key": key.hex(), "timestamp_ms": None, "purpose": None, "identity": None}
    # How many bytes were read, to tell "more follows" from a bad push that follows.
    read = 1 + 5 + 2 + 34
    while read < len(script):
        if burn["purpose"]:
            raise Refused("TrailingBytes")
        push = required()
        read += 1 + len(push)
        if len(push) == 33:
            if push[0] not in PURPOSES:
                raise Refused("UnknownPurpose")
            burn |= {"purpose": PURPOSES[push[0]], "identity": push[1:].hex()}
        elif 1 <= len(push) <= 20:
            if burn["timestamp_ms"] is not None:
                raise Refused("TrailingBytes")
            if not push.isdigit() or (push[:1] == b"0" and len(push) > 1):
                raise Refused("Time")
            if int(push) >= 2**64:
                raise Refused("TimeOverflow")
            burn["timestamp_ms"] = push.decode()
        else:
            raise Refused("PushLength")
    return burn


def loose_pushes(script):
    """All pushes, in whatever form; None where the script is not pushes only."""
    chunks, at = [], 1
    while at < len(script):
        opcode = script[at]
        at += 1
        size = 0
        if opcode in PUSHDATA:
            width = PUSHDATA[opcode]
            if at + width > len(script):
                return None
            size = int.from_bytes(script[at : at + width], "little")
            at += width
        elif 1 <= opcode <= 75:
            size = opcode
        elif opcode > OP_16:
            return None
        if at + size > len(script):
            return None
        chunks.append(script[at : at + size])
        at += size
    return chunks


def older_sdk_reads(script):
    """Prefix, version as a pushed byte, and a key at the beginning of all that is pushed then."""
    if not script or script[0] != OP_RETURN or len(script) > MAX_LEN:
        return False
    chunks = loose_pushes(script)
    if not chunks or chunks[:2] != [b"LTMS", b"\x01"]:
        return False
    payload = b"".join(chunks[2:])
    return len(payload) >= 33 and payload[0] in (2, 3)


def verdict(script):
    try:
        return {"script": script.hex(), **parse(script), "older_sdk_reads": older_sdk_reads(script)}
    except Refused as refused:
        return {
            "script": script.hex(),
            "error": str(refused),
            "older_sdk_reads": older_sdk_reads(script),
        }


# Scripts


def push(data):
    return bytes([len(data)]) + data


KEY = public_key(sha256(b"ltms script key"))
IDENTITY = sha256(b"ltms script identity")
HEAD = b"\x6a" + push(b"LTMS") + push(b"\x01")
NO_ROOT = next(x for x in range(1, 100) if not is_on_curve(x))


def purpose(code):
    return push(bytes([code]) + IDENTITY)


def burns():
    time = push(b"1795361000123")
    yield "registration without time", HEAD + push(KEY)
    yield "registration", HEAD + push(KEY) + time
    odd = next(k for k in (public_key(sha256(bytes([n]))) for n in range(99)) if k[0] != KEY[0])
    yield "registration of a key with the other sign", HEAD + push(odd)
    for digits in (b"0", b"9", b"10", b"18446744073709551615"):
        yield f"time {digits.decode()}", HEAD + push(KEY) + push(digits)
    for code, name in PURPOSES.items():
        yield f"{name} without time", HEAD + push(KEY) + purpose(code)
        yield f"{name} with time", HEAD + push(KEY) + time + purpose(code)


def scripts():
    """Names and scripts, burns and others."""
    time = push(b"1795361000123")
    yield from burns()
    yield "nothing", b""
    yield "only OP_RETURN", b"\x6a"
    yield "ordinary output", bytes.fromhex("76a914") + bytes(20) + bytes.fromhex("88ac")
    yield "no OP_RETURN", HEAD[1:] + push(KEY)
    yield "OP_FALSE OP_RETURN", b"\x00" + HEAD + push(KEY)
    for other in (b"LTMT", b"ltms", b"SMTL", b"LTM", b"LTMSS"):
        yield f"prefix {other.decode()}", b"\x6a" + push(other) + push(b"\x01") + push(KEY)
    for width, opcode in ((1, 0x4C), (2, 0x4D), (4, 0x4E)):
        for name, data, rest in (
            ("prefix", b"LTMS", push(b"\x01") + push(KEY)),
            ("version", b"\x01", push(KEY)),
            ("key", KEY, b""),
        ):
            long = bytes([opcode]) + len(data).to_bytes(width, "little") + data
            head = b"\x6a" + (push(b"LTMS") if name != "prefix" else b"")
            head += push(b"\x01") if name == "key" else b""
            yield f"{name} pushed with {width} bytes of length", head + long + rest
        header = bytes([opcode]) + bytes(width - 1)
        yield f"length of {width} bytes is cut", HEAD + push(KEY) + header
        full = bytes([opcode]) + (255).to_bytes(width, "little")
        yield f"length of {width} bytes and no data", HEAD + push(KEY) + full
    yield "length of 4 bytes is 2^32 - 1", HEAD + b"\x4e\xff\xff\xff\xff" + KEY
    for opcode in (0x00, 0x4F, 0x50, 0x51, 0x52, 0x60, 0x61, 0x76, 0xAC, 0xFF):
        yield f"version is opcode {opcode:02x}", b"\x6a" + push(b"LTMS") + bytes([opcode]) + push(KEY)
        yield f"key is opcode {opcode:02x}", HEAD + bytes([opcode])
        yield f"opcode {opcode:02x} before the key", HEAD + bytes([opcode]) + push(KEY)
        yield f"opcode {opcode:02x} after the key", HEAD + push(KEY) + bytes([opcode])
        yield f"opcode {opcode:02x} after the time", HEAD + push(KEY) + time + bytes([opcode])
        last = HEAD + push(KEY) + purpose(1) + bytes([opcode])
        yield f"opcode {opcode:02x} after the purpose", last
    for version in (b"\x00", b"\x02", b"\xff", b"\x01\x00", b"\x00\x01", b"1"):
        yield f"version {version.hex()}", b"\x6a" + push(b"LTMS") + push(version) + push(KEY)
    for size in (1, 32, 34, 65):
        data = (KEY * 2)[:size]
        yield f"key of {size} bytes", HEAD + push(data)
    for prefix in (0, 1, 4, 5, 6, 7, 255):
        yield f"key prefix {prefix:02x}", HEAD + push(bytes([prefix]) + KEY[1:])
    for name, x in (("no root", NO_ROOT), ("not below p", P), ("all ones", 2**256 - 1)):
        yield f"key whose x has {name}", HEAD + push(b"\x02" + x.to_bytes(32, "big"))
    yield "key in two pushes", HEAD + push(KEY[:1]) + push(KEY[1:])
    yield "no key", HEAD
    yield "only the prefix", b"\x6a" + push(b"LTMS")
    for digits in (b"00", b"01", b"+1", b"-1", b" 1", b"1 ", b"1.5", b"1e3", b"0x10", b"1\x00"):
        yield f"time {digits!r}", HEAD + push(KEY) + push(digits)
    yield "time in Arabic digits", HEAD + push(KEY) + push("١٢".encode())
    for number in (2**64, 10**20 - 1):
        yield f"time {number}", HEAD + push(KEY) + push(str(number).encode())
    for size in (21, 32, 34, 75):
        yield f"{size} digits", HEAD + push(KEY) + push(b"1" * size)
    yield "76 digits", HEAD + push(KEY) + b"\x4c\x4c" + b"1" * 76
    for code in (0, 7, 127, 255):
        yield f"purpose {code}", HEAD + push(KEY) + purpose(code)
    yield "two times", HEAD + push(KEY) + time + time
    yield "two purposes", HEAD + push(KEY) + purpose(1) + purpose(1)
    yield "time after the purpose", HEAD + push(KEY) + purpose(1) + time
    yield "three pushes after the key", HEAD + push(KEY) + time + purpose(1) + time
    yield "cut push after the purpose", HEAD + push(KEY) + purpose(1) + b"\x05"
    whole = HEAD + push(KEY) + time + purpose(6)
    for size in range(len(whole)):
        yield f"{size} of {len(whole)} bytes", whole[:size]
    for size in (222, 223, 224, 500):
        data = size - len(HEAD + push(KEY)) - 3
        filler = b"\x4d" + data.to_bytes(2, "little") + bytes(data)
        yield f"{size} bytes", HEAD + push(KEY) + filler


# Transactions


def double_sha256(data):
    return sha256(sha256(data))


def root(leaves):
    layers = 1 if leaves else 0
    while len(leaves) > 1:
        layers += 1
        leaves = leaves + [bytes(32)] if len(leaves) % 2 else leaves
        leaves = [double_sha256(a + b) for a, b in zip(leaves[::2], leaves[1::2])]
    return (leaves[0] if leaves else bytes(32)) + bytes([layers])


def read_transaction(raw):
    """The txid as displayed, and the scripts of the outputs."""
    at = 4

    def take(size):
        nonlocal at
        assert at + size <= len(raw)
        at += size
        return raw[at - size : at]

    def count():
        first = take(1)[0]
        assert first < 0xFE, "no recorded transaction has so many"
        return int.from_bytes(take(2), "little") if first == 0xFD else first

    inputs = []
    for _ in range(count()):
        previous = take(36)
        take(count())
        inputs.append(double_sha256(previous + take(4)))
    outputs, leaves = [], []
    for _ in range(count()):
        start = at
        take(8)
        outputs.append(take(count()))
        leaves.append(double_sha256(raw[start:at]))
    lock_time = take(4)
    assert at == len(raw)
    preimage = raw[:4] + root(inputs) + root(leaves) + lock_time
    return double_sha256(preimage)[::-1].hex(), outputs


def main():
    chain = json.loads(CHAIN.read_text())
    for entry in chain["transactions"]:
        txid, _ = read_transaction(bytes.fromhex(entry["raw_tx_hex"]))
        assert txid == entry["txid_hex"], "the oracle's own ids are wrong"
    policy = []
    for entry in chain["policy"]:
        txid, outputs = read_transaction(bytes.fromhex(entry["raw_tx_hex"]))
        verdicts = [verdict(script) for script in outputs]
        policy.append({"case": entry["case"], "txid": txid, "outputs": verdicts})
    all_scripts = [{"name": name, **verdict(script)} for name, script in scripts()]
    refused = [name for name, script in burns() if "error" in verdict(script)]
    assert not refused, f"meant as burns: {refused}"
    vectors = {
        "about": "Written by tests/oracle/script.py. Errors are named as ScriptErrorKind; "
        "txids are in display order. What a real node said of the transactions is in chain.json.",
        "valid": [entry for entry in all_scripts if "key" in entry],
        "invalid": [entry for entry in all_scripts if "error" in entry],
        "policy": policy,
    }
    text = json.dumps(vectors, indent=1) + "\n"
    if "--check" in sys.argv[1:]:
        stale = not VECTORS.exists() or VECTORS.read_text() != text
        sys.exit(f"not what the oracle writes: {VECTORS}" if stale else 0)
    VECTORS.write_text(text)
    counts = {name: len(cases) for name, cases in vectors.items() if name != "about"}
    manifest = json.loads(MANIFEST.read_text())
    digest = sha256(VECTORS.read_bytes()).hex()
    manifest["scripts.json"] = {"sha256": digest, "entries": counts}
    MANIFEST.write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main()
