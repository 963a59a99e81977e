"""Messages that are not valid, and mutated ones that may be."""

from _cbor import Pairs, Raw, cbor
from _lotus_burn import BLOCK, BRANCH, TRANSACTION
from _lotus_schnorr import sha256
from _wire_judge import HIDDEN_RANGES, REFUSED_NETS, judge, varint
from _wire_valid import (
    CIRCUIT,
    ID,
    NOW,
    PEER,
    RELAY,
    VERIFIER,
    advertisement_body,
    credit_body,
    ip,
    p2p,
    quic,
    rotation_body,
    tcp,
)


def invalid(good):
    by_name = {entry["name"]: entry for entry in good}
    plain = advertisement_body(by_name["stranger"]["fields"])
    full = advertisement_body(by_name["current key, every field"]["fields"])
    lent = advertisement_body(by_name["delegated key"]["fields"])
    envelope = by_name["stranger"]["envelope"]
    gone = {1: plain[1], 2: NOW}
    claim = {1: TRANSACTION, 2: 0, 3: BLOCK, 4: 5, 5: b"".join(BRANCH)}
    turn = rotation_body(by_name["first rotation"]["fields"])
    extra = credit_body(by_name["top-up by the rotated key"]["fields"])
    greeting = {1: ID, 2: plain[1], 4: bytes(32)}
    signature = b"\x11" * 64
    cases = []

    def raw(name, reason, data, network="main"):
        answer = judge(bytes(data), network)
        assert answer == reason, (name, reason, answer)
        cases.append({"name": name, "network": network, "envelope": bytes(data), "reason": reason})

    def body(name, reason, value, kind=1, network="main"):
        data = value if isinstance(value, bytes) else cbor(value)
        raw(name, reason, cbor([kind, data, signature]), network)

    def without(fields, *keys):
        return {k: v for k, v in fields.items() if k not in keys}

    # Envelopes
    raw("empty", "malformed", b"")
    raw("envelope: trailing byte", "malformed", envelope + b"\0")
    raw("envelope: last byte missing", "malformed", envelope[:-1])
    raw("envelope: cut in the body", "malformed", envelope[:40])
    raw("envelope: head only", "malformed", envelope[:1])
    raw("envelope: a map", "malformed", cbor({1: 1, 2: cbor(plain), 3: signature}))
    raw("envelope: four items", "malformed", cbor([1, cbor(plain), signature, 0]))
    raw("envelope: two items", "malformed", cbor([1, cbor(plain)]))
    indefinite = b"\x9f" + cbor(1) + cbor(cbor(plain)) + cbor(signature) + b"\xff"
    raw("envelope: indefinite array", "malformed", indefinite)
    long_head = b"\x98\x03" + envelope[1:]
    raw("envelope: long array head", "malformed", long_head)
    raw("envelope: long kind", "malformed", b"\x83\x18\x01" + envelope[2:])
    raw("envelope: negative kind", "malformed", b"\x83\x20" + envelope[2:])
    raw("envelope: text kind", "malformed", cbor(["1", cbor(plain), signature]))
    raw("envelope: tagged", "malformed", b"\xd9\xd9\xf7" + envelope)
    chunked = b"\x5f" + cbor(cbor(plain)) + b"\xff"
    raw("envelope: body in chunks", "malformed", cbor([1, Raw(chunked), signature]))
    raw("envelope: body not wrapped", "malformed", cbor([1, plain, signature]))
    raw("envelope: body is text", "malformed", cbor([1, "body", signature]))
    wide = b"\x5b" + len(cbor(plain)).to_bytes(8, "big") + cbor(plain)
    raw("envelope: long body head", "malformed", cbor([1, Raw(wide), signature]))
    huge = b"\x83\x01\x5b" + b"\xff" * 8
    raw("envelope: body longer than memory", "malformed", huge)
    raw("envelope: signature of 63 bytes", "malformed", cbor([1, cbor(plain), signature[:63]]))
    raw("envelope: signature of 65 bytes", "malformed", cbor([1, cbor(plain), b"\x11" * 65]))
    raw("envelope: no signature", "malformed", cbor([1, cbor(plain), b""]))
    raw("kind 0", "unsupported", cbor([0, cbor(plain), signature]))
    raw("kind 3, reserved", "unsupported", cbor([3, cbor(plain), signature]))
    raw("kind 8", "unsupported", cbor([8, cbor(plain), signature]))
    raw("kind of 64 bits", "unsupported", cbor([2**64 - 1, b"", b""]))
    raw("unknown kind, rest not understood", "unsupported", b"\x83\x18\x2a\xff\xff")
    most = by_name["envelope of exactly 10,000 bytes"]["envelope"]
    padded = by_name["envelope of exactly 10,000 bytes"]["fields"]["transaction"]
    more = {1: padded + b"\xab", 2: 0, 3: BLOCK, 4: 5, 5: b""}
    over = cbor([4, cbor(more), signature])
    assert len(most) == 10_000 and len(over) == 10_001, (len(most), len(over))
    raw("envelope of 10,001 bytes", "oversize", over)
    raw("10,001 bytes of nothing known", "oversize", b"\xff" * 10_001)

    # Encoding of bodies
    body("body: empty", "malformed", b"")
    body("body: an array", "malformed", list(plain.values()))
    body("body: empty map", "malformed", {})
    body("body: trailing byte", "malformed", cbor(plain) + b"\0")
    body("body: last byte missing", "malformed", cbor(plain)[:-1])
    body("body: more entries promised", "malformed", b"\xa7" + cbor(plain)[1:])
    body("body: fewer entries promised", "malformed", b"\xa5" + cbor(plain)[1:])
    body("body: entries beyond memory", "malformed", b"\xbb" + b"\xff" * 8 + cbor(plain)[1:])
    body("body: indefinite map", "malformed", b"\xbf" + cbor(plain)[1:] + b"\xff")
    body("body: long map head", "malformed", b"\xb8\x06" + cbor(plain)[1:])
    body("body: long key", "malformed", b"\xa6\x18\x01" + cbor(plain)[2:])
    body("body: keys out of order", "malformed", Pairs(reversed(plain.items())))
    twice = Pairs([*plain.items(), (6, [1])])
    body("body: key twice, last", "malformed", twice)
    body("body: key twice, first", "malformed", Pairs([(1, plain[1]), *plain.items()]))
    body("body: negative key", "malformed", Pairs([*plain.items(), (Raw(b"\x20"), 0)]))
    body("body: text key", "malformed", Pairs([*plain.items(), ("x", 0)]))
    body("body: long time", "malformed", plain | {2: Raw(b"\x1b\0\0\0\0\0\0\0\1")})
    body("body: time as float", "malformed", plain | {2: Raw(b"\xfb" + bytes(8))})
    body("body: time as bignum", "malformed", plain | {2: Raw(b"\xc2\x41\x01")})
    body("body: tagged time", "malformed", plain | {2: Raw(b"\xc1" + cbor(NOW))})
    body("body: negative time", "malformed", plain | {2: Raw(b"\x20")})
    body("body: null fee", "malformed", plain | {8: Raw(b"\xf6")})
    body("body: reserved head", "malformed", plain | {2: Raw(b"\x1c")})
    body("body: indefinite types", "malformed", plain | {6: Raw(b"\x9f\x01\xff")})
    body("body: long types head", "malformed", plain | {6: Raw(b"\x98\x01\x01")})
    body("body: long type", "malformed", plain | {6: Raw(b"\x81\x18\x01")})
    body("body: nickname in chunks", "malformed", plain | {9: Raw(b"\x7f\x61a\xff")})
    body("body: long nickname head", "malformed", plain | {9: Raw(b"\x78\x01a")})
    deep = plain | {2: Raw(b"\x81" * 5000 + b"\0")}
    body("body: nested five thousand deep", "malformed", deep)

    # Unknown fields
    body("unknown field 11", "unsupported", plain | {11: 1})
    body("unknown field 0", "unsupported", plain | {0: 1})
    body("unknown field of 64 bits", "unsupported", plain | {2**64 - 1: 1})
    body("unknown field, rest not understood", "unsupported", b"\xa2\x18\x63\xff\xff")
    body("unknown field before a wrong one", "unsupported", plain | {0: 1, 6: []})
    body("unknown field after a wrong one", "malformed", plain | {6: "x", 18: 1})
    late = Pairs([(1, plain[1]), (18, 0), (1, plain[1])])
    body("unknown field, then a key twice", "unsupported", late)
    body("advertisement's field in a withdrawal", "unsupported", gone | {3: NOW}, 2)
    body("unknown field in a registration", "unsupported", claim | {6: 0}, 4)
    body("unknown field in a hello", "unsupported", greeting | {5: 0}, 5)

    # Advertisements
    for key, name in enumerate("author created expires peer addresses types".split(), 1):
        body(f"no {name}", "malformed", without(plain, key))
    body("author of 32 bytes", "malformed", plain | {1: plain[1][:32]})
    body("author of 34 bytes", "malformed", plain | {1: plain[1] + b"\0"})
    body("author as text", "malformed", plain | {1: "x" * 33})
    body("no bytes of peer id", "malformed", plain | {4: b""})
    body("peer id of 43 bytes", "malformed", plain | {4: bytes(43)})
    body("peer id, byte missing", "malformed", plain | {4: PEER[:-1]})
    body("peer id, byte too many", "malformed", plain | {4: PEER + b"\0"})
    body("peer id of another multihash", "malformed", plain | {4: b"\x13\x20" + bytes(32)})
    body("peer id of a secp256k1 key", "malformed", plain | {4: bytes.fromhex("00250802122104") + bytes(32)})
    longer = bytes.fromhex("002408031220") + bytes(32)
    body("peer id of a longer key", "malformed", plain | {4: longer})
    for key, name in enumerate(("created", "expires"), 2):
        body(f"{name} in the year 10889", "malformed", plain | {key: 2**48 - 1})
    body("created at the end of 64 bits", "malformed", plain | {2: 2**64 - 1})
    body("delegation without an end", "malformed", lent | {17: [2**48 - 1, bytes(64)]})
    body("withdrawal of the year 10889", "malformed", gone | {2: 2**48 - 1}, 2)
    address = plain[5][0]
    body("9 addresses", "malformed", plain | {5: [address] * 9})
    body("address as text", "malformed", plain | {5: ["/ip4/1.2.3.4/tcp/1"]})
    body("no types", "malformed", plain | {6: []})
    body("17 types", "malformed", plain | {6: list(range(17))})
    body("types out of order", "malformed", plain | {6: [2, 1]})
    body("type twice", "malformed", plain | {6: [1, 1]})
    body("type 65536", "malformed", plain | {6: [65536]})
    body("least amount above the largest", "malformed", plain | {7: [2, 1]})
    body("amount with one end", "malformed", plain | {7: [1]})
    body("amount with three ends", "malformed", plain | {7: [1, 2, 3]})
    body("amount without a range", "malformed", plain | {7: 1})
    body("fee as text", "malformed", plain | {8: "1"})
    body("nickname as bytes", "malformed", plain | {9: b"x"})
    body("nickname not UTF-8", "malformed", plain | {9: Raw(b"\x62\xc3\x28")})
    body("nickname with a surrogate", "malformed", plain | {9: Raw(b"\x63\xed\xa0\x80")})
    body("nickname with an overlong NUL", "malformed", plain | {9: Raw(b"\x62\xc0\x80")})
    body("delegation without authority", "malformed", without(lent, 16))
    body("authority of 31 bytes", "malformed", full | {16: [ID[:31], 0]})
    body("authority without sequence", "malformed", full | {16: [ID]})
    body("authority with three items", "malformed", full | {16: [ID, 0, 0]})
    body("negative sequence", "malformed", full | {16: [ID, Raw(b"\x20")]})
    body("delegation signature of 63 bytes", "malformed", lent | {17: [NOW, signature[:63]]})
    body("delegation without signature", "malformed", lent | {17: [NOW]})
    body("long delegation array head", "malformed", lent | {17: Raw(b"\x98\x02" + cbor(lent[17])[1:])})

    # Texts
    body("nickname of 65 bytes", "text", plain | {9: "x" * 65})
    body("nickname of 65 bytes in 22 characters", "text", plain | {9: "签" * 21 + "é"})
    body("description of 257 bytes", "text", plain | {10: "x" * 257})
    for low, high in HIDDEN_RANGES:
        for point in {low, high}:
            body(f"U+{point:04X} in nickname", "text", plain | {9: "a" + chr(point) + "b"})
    body("bidi override in description", "text", plain | {10: "user\u202enimda"})

    # Addresses
    def where(name, address, network="main", peer=PEER):
        body(f"address: {name}", "address", plain | {4: peer, 5: [address]}, 1, network)

    where("of 129 bytes", address + b"\0" * (129 - len(address)))
    where("of 128 bytes, trailing", address + b"\0" * (128 - len(address)))
    where("empty", b"")
    where("trailing byte", address + b"\0")
    where("cut", address[:-1])
    where("port 0", ip("1.2.3.4") + tcp(0))
    where("port 0 on regtest", ip("127.0.0.1") + quic(0), "reg")
    where("no port", ip("1.2.3.4"))
    where("dns", varint(53) + b"\x0bexample.com" + tcp(4001))
    where("dns4", varint(54) + b"\x0bexample.com" + tcp(4001))
    where("udp without quic", ip("1.2.3.4") + varint(0x111) + b"\x0f\xa1")
    where("draft quic", ip("1.2.3.4") + varint(0x111) + b"\x0f\xa1" + varint(460))
    where("tcp with quic", ip("1.2.3.4") + tcp(4001) + varint(0x1CD))
    where("websocket", address + varint(477))
    where("IPv6 zone", varint(42) + b"\x04eth0" + ip("2606:4700::1") + tcp(1))
    where("long varint", b"\x84\x00" + address[1:])
    where("another peer", address + p2p(RELAY))
    where("another peer on regtest", address + p2p(RELAY), "reg")
    where("same peer twice", address + p2p(PEER) + p2p(PEER))
    where("no bytes of peer", address + varint(0x1A5) + b"\0")
    where("peer of 43 bytes", address + p2p(bytes(43)))
    where("relay of no form", address + p2p(b"relay") + CIRCUIT)
    where("peer cut", address + p2p(PEER)[:-1])
    where("peer with a long length", address + varint(0x1A5) + b"\xa6\0" + PEER)
    where("prefix of the peer", address + p2p(PEER[:-1]))
    where("circuit without relay", address + CIRCUIT)
    where("circuit without host", p2p(RELAY) + CIRCUIT)
    where("circuit to another peer", address + p2p(RELAY) + CIRCUIT + p2p(VERIFIER))
    where("circuit twice", address + (p2p(RELAY) + CIRCUIT) * 2)
    where("host behind the circuit", address + p2p(RELAY) + CIRCUIT + address)
    where("private on testnet", ip("192.168.1.1") + tcp(4001), "test")
    where("private relay", ip("10.0.0.1") + tcp(1) + p2p(RELAY) + CIRCUIT)
    for net in REFUSED_NETS:
        for edge in (net[0], net[-1]):
            where(str(edge), ip(str(edge)) + tcp(4001))
    for text in (
        "::",
        "::1",
        "::1.2.3.4",
        "::ffff:1.2.3.4",
        "::ffff:127.0.0.1",
        "64:ff9b::1.2.3.4",
        "100::1",
        "1fff:ffff::1",
        "4000::1",
        "fc00::1",
        "fd00::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ):
        where(text, ip(text) + tcp(4001))
    second = plain | {5: [address, ip("127.0.0.1") + tcp(4001)]}
    body("second address private", "address", second)
    body("address before text", "address", second | {9: "\0"})
    body("types before address", "malformed", second | {6: [2, 1]})

    # Withdrawals, registrations, hellos
    body("withdrawal without author", "malformed", {2: NOW}, 2)
    body("withdrawal without time", "malformed", {1: plain[1]}, 2)
    body("withdrawal: delegation without authority", "malformed", gone | {17: lent[17]}, 2)
    body("withdrawal: trailing byte", "malformed", cbor(gone) + b"\0", 2)
    for key in claim:
        body(f"registration without field {key}", "malformed", without(claim, key), 4)
    body("registration: output 256", "malformed", claim | {2: 256}, 4)
    body("registration: block hash of 31 bytes", "malformed", claim | {3: BLOCK[:31]}, 4)
    body("registration: position of 33 bits", "malformed", claim | {4: 2**32}, 4)
    body("registration: branch of 31 bytes", "malformed", claim | {5: bytes(31)}, 4)
    body("registration: branch of 33 hashes", "malformed", claim | {5: bytes(33 * 32)}, 4)
    body("registration: branch as array", "malformed", claim | {5: BRANCH}, 4)
    body("registration: long output index", "malformed", claim | {2: Raw(b"\x18\x00")}, 4)
    for kind, name, value in ((6, "rotation", turn), (7, "credit", extra)):

        def wrong(what, field, put, kind=kind, name=name, value=value):
            body(f"{name}: {what}", "malformed", value | {field: put}, kind)

        for key in value:
            body(f"{name} without field {key}", "malformed", without(value, key), kind)
        wrong("transaction as text", 1, "x")
        wrong("output 256", 2, 256)
        wrong("block hash of 33 bytes", 3, bytes(33))
        wrong("position of 33 bits", 4, 2**32)
        wrong("branch of 63 bytes", 5, bytes(63))
        wrong("branch of 33 hashes", 5, bytes(33 * 32))
        wrong("identity of 31 bytes", 6, ID[:31])
        wrong("identity of 33 bytes", 6, ID + b"\0")
        wrong("identity as text", 6, ID.hex()[:32])
        wrong("sequence 65", 7, 65)
        wrong("sequence 257", 7, 257)
        wrong("sequence of 64 bits", 7, 2**64 - 1)
        wrong("negative sequence", 7, Raw(b"\x20"))
        wrong("long sequence", 7, Raw(b"\x18\x01"))
        wrong("sequence as text", 7, "1")
        data = cbor(value)
        body(f"{name}: trailing byte", "malformed", data + b"\0", kind)
        body(f"{name}: last byte missing", "malformed", data[:-1], kind)
        body(f"{name}: keys out of order", "malformed", Pairs(reversed(value.items())), kind)
        body(f"{name}: key twice", "malformed", Pairs([*value.items(), (7, 1)]), kind)
        body(f"{name}: indefinite map", "malformed", b"\xbf" + data[1:] + b"\xff", kind)
        body(f"{name}: field 0", "unsupported", value | {0: 0}, kind)
        body(f"{name}: field 10", "unsupported", value | {10: 0}, kind)
        body(f"{name}: unknown, then wrong", "unsupported", value | {0: 0, 7: 65}, kind)
        body(f"{name}: wrong, then unknown", "malformed", value | {7: 65, 10: 0}, kind)
        body(f"{name}'s body in a registration", "unsupported", value, 4)
        body(f"registration's body in a {name}", "malformed", claim, kind)
        longer = cbor([kind, cbor(value | {1: b"\xab" * 9_900}), signature])
        raw(f"{name}: oversize", "oversize", longer)
    body("rotation: sequence 0", "malformed", turn | {7: 0}, 6)
    body("rotation: in the year 10889", "malformed", turn | {8: 2**48 - 1}, 6)
    body("rotation: negative time", "malformed", turn | {8: Raw(b"\x20")}, 6)
    body("rotation: long time", "malformed", turn | {8: Raw(b"\x1b" + bytes(7) + b"\1")}, 6)
    body("rotation: new key's signature of 63 bytes", "malformed", turn | {9: bytes(63)}, 6)
    body("rotation: new key's signature of 65 bytes", "malformed", turn | {9: bytes(65)}, 6)
    body("rotation: new key's signature as array", "malformed", turn | {9: [bytes(64)]}, 6)
    body("rotation's body in a credit", "unsupported", turn, 7)
    body("credit's body in a rotation", "malformed", extra, 6)
    body("credit: created_at", "unsupported", extra | {8: NOW}, 7)
    for key in greeting:
        body(f"hello without field {key}", "malformed", without(greeting, key), 5)
    body("hello: challenge of 31 bytes", "malformed", greeting | {4: bytes(31)}, 5)
    body("hello: challenge of 33 bytes", "malformed", greeting | {4: bytes(33)}, 5)
    body("hello: key of 32 bytes", "malformed", greeting | {2: bytes(32)}, 5)
    endless = [2**48 - 1, signature, 0]
    body("hello: delegation without an end", "malformed", greeting | {3: endless}, 5)
    body("hello: delegation of two items", "malformed", greeting | {3: [NOW, signature]}, 5)
    body("hello: delegation of four items", "malformed", greeting | {3: [NOW, signature, 0, 0]}, 5)
    body("hello: keys out of order", "malformed", Pairs(reversed(greeting.items())), 5)
    return cases


def mutations(good):
    """Valid envelopes with a few bytes changed, moved or cut, and what the judge says of them."""
    cases, count = [], 0

    def dice(below):
        nonlocal count
        count += 1
        return int.from_bytes(sha256(b"ltms mutation %d" % count)[:8], "big") % below

    short = [entry for entry in good if len(entry["envelope"]) < 400]
    while len(cases) < 420:
        entry = short[dice(len(short))]
        kind, body = entry["kind"], bytearray(entry["body"])
        for _ in range(1 + dice(2)):
            at = dice(len(body))
            way = dice(5)
            if way == 0:
                body[at] ^= 1 << dice(8)
            elif way == 1:
                body[at] = dice(256)
            elif way == 2:
                del body[at]
            elif way == 3:
                body.insert(at, dice(32))
            else:
                other = dice(len(body))
                body[at], body[other] = body[other], body[at]
        data = cbor([kind, bytes(body), entry["signature"]])
        cases.append(
            {
                "network": entry["network"],
                "envelope": data,
                "reason": judge(data, entry["network"]) or "clear",
            }
        )
    return cases
