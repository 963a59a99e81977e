#!/usr/bin/env python3
"""Writes tests/vectors/wire.json and the worked examples of docs/wire.md from docs/wire.md alone.

Slow and plain on purpose, standard library only, no code shared with the Rust sources: a CBOR
writer, a judge of envelopes and Lotus Schnorr, each as the page describes it.

    tests/oracle/wire.py            writes both files
    tests/oracle/wire.py --check    fails if they are not what it would write
"""

import hashlib
import hmac
import ipaddress
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests/vectors/wire.json"
PAGE = ROOT / "docs/wire.md"

NETWORK_BYTE = {"main": b"_", "test": b"T", "reg": b"R"}


def sha256(data):
    return hashlib.sha256(data).digest()


def tagged_hash(tag, data):
    prefix = sha256(tag.encode())
    return sha256(prefix + prefix + data)


# Lotus Schnorr over secp256k1

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)


def point_add(a, b):
    if a is None:
        return b
    if b is None:
        return a
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, P) % P
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P) % P
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def point_multiply(k, point):
    total = None
    while k:
        if k & 1:
            total = point_add(total, point)
        point = point_add(point, point)
        k >>= 1
    return total


def public_key(secret):
    x, y = point_multiply(int.from_bytes(secret, "big"), G)
    return bytes([2 + (y & 1)]) + x.to_bytes(32, "big")


def nonce(secret, message):
    seed = secret + message + b"Schnorr+SHA256  "
    key, value = bytes(32), b"\1" * 32
    for separator in (b"\0", b"\1"):
        key = hmac.digest(key, value + separator + seed, "sha256")
        value = hmac.digest(key, value, "sha256")
    value = hmac.digest(key, value, "sha256")
    k = int.from_bytes(value, "big")
    assert 0 < k < N, "the second try is as likely as guessing a key"
    return k


def sign(secret, message):
    k = nonce(secret, message)
    x, y = point_multiply(k, G)
    if pow(y, (P - 1) // 2, P) != 1:
        k = N - k
    r = x.to_bytes(32, "big")
    e = int.from_bytes(sha256(r + public_key(secret) + message), "big")
    return r + ((k + e * int.from_bytes(secret, "big")) % N).to_bytes(32, "big")


# The first entry of lotus-sdk 0.2.0's answers.
assert sign(
    bytes.fromhex("250215ce2a22b594ce87ea2e5348796b3f955996cc0738ad3fdf213a3f0f9be5"),
    bytes.fromhex("ac74080ce3c596cfbd7bcb0d5e9feff05d3bd5a5a717e2821a98e170943021b4"),
).hex() == (
    "f451696bcd8b095da6a4f3a04e0895afc3fbb0baec7d6e0153dc794ad2173e20"
    "bd47dcad6c7086c69808b9bbd0d51ac32593aaef92dc8ac7d5fccc1ef963a613"
)


# CBOR, written


class Raw(bytes):
    """CBOR as it is."""


class Pairs(list):
    """A map's entries, whatever their order."""


def head(major, value):
    for size, info in ((0, None), (1, 24), (2, 25), (4, 26), (8, 27)):
        if size == 0 and value < 24:
            return bytes([major << 5 | value])
        if size and value < 256**size:
            return bytes([major << 5 | info]) + value.to_bytes(size, "big")
    raise ValueError(value)


def cbor(value):
    if isinstance(value, Raw):
        return bytes(value)
    if isinstance(value, int):
        return head(0, value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        text = value.encode()
        return head(3, len(text)) + text
    if isinstance(value, dict):
        value = Pairs(sorted(value.items()))
    if isinstance(value, Pairs):
        return head(5, len(value)) + b"".join(cbor(k) + cbor(v) for k, v in value)
    return head(4, len(value)) + b"".join(map(cbor, value))


# CBOR, read


class Wrong(Exception):
    """The reason's name."""


class Reader:
    """Reads as leniently as the page allows, and remembers whether that was needed."""

    def __init__(self, data):
        self.data, self.at, self.shortest = data, 0, True

    def take(self, count):
        if count > len(self.data) - self.at:
            raise Wrong("malformed")
        self.at += count
        return self.data[self.at - count : self.at]

    def head(self, major):
        first = self.take(1)[0]
        info = first & 31
        if first >> 5 != major or info > 27:
            raise Wrong("malformed")
        if info < 24:
            return info
        size = 1 << info - 24
        value = int.from_bytes(self.take(size), "big")
        least = 24 if size == 1 else 256 ** (size // 2)
        self.shortest &= value >= least
        return value

    def uint(self, most=2**64 - 1):
        value = self.head(0)
        if value > most:
            raise Wrong("malformed")
        return value

    def bstr(self, *sizes):
        value = self.take(self.head(2))
        if sizes and len(value) not in sizes:
            raise Wrong("malformed")
        return value

    def tstr(self):
        try:
            return self.take(self.head(3)).decode()
        except UnicodeDecodeError:
            raise Wrong("malformed") from None

    def array(self, most, item):
        # Item by item, so that what is wrong first is found first.
        items = []
        for _ in range(self.head(4)):
            value = item()
            if len(items) == most:
                raise Wrong("malformed")
            items.append(value)
        return items

    def tuple(self, *items):
        if self.head(4) != len(items):
            raise Wrong("malformed")
        return [item() for item in items]

    def fields(self, readers, required):
        found, keys = {}, []
        for _ in range(self.head(5)):
            key = self.uint()
            if key not in readers:
                raise Wrong("unsupported")
            found[key] = readers[key]()
            keys.append(key)
        ordered = keys == sorted(set(keys))
        if not required <= found.keys():
            raise Wrong("malformed")
        if not (ordered and self.shortest and self.at == len(self.data)):
            raise Wrong("malformed")
        return found


# The rules

HIDDEN = (
    "0000-001F 007F-009F 2028-2029 061C 200E-200F 202A-202E 2066-2069 00AD 034F 115F-1160 "
    "17B4-17B5 180B-180F 200B-200F 2060-206F 3164 FE00-FE0F FEFF FFA0 FFF0-FFF8 1BCA0-1BCA3 "
    "1D173-1D17A E0000-E0FFF FFF9-FFFB"
)
HIDDEN_RANGES = [
    (int(r.split("-")[0], 16), int(r.split("-")[-1], 16)) for r in HIDDEN.split()
]
REFUSED_NETS = [
    ipaddress.ip_network(net)
    for net in (
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 "
        "192.168.0.0/16 192.0.0.0/24 192.0.2.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 "
        "224.0.0.0/3 2001::/23 2001:db8::/32 2002::/16 3fff::/20"
    ).split()
]


def check_text(text, most):
    if len(text.encode()) > most:
        raise Wrong("text")
    if any(low <= ord(c) <= high for c in text for low, high in HIDDEN_RANGES):
        raise Wrong("text")


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def check_address(address, network, peer):
    """Splits the address into parts, then looks at their order."""
    if len(address) > 128:
        raise Wrong("address")
    names = {4: ("ip4", 4), 0x29: ("ip6", 16), 6: ("tcp", 2), 0x111: ("udp", 2)}
    names |= {0x1CD: ("quic-v1", 0), 0x122: ("p2p-circuit", 0), 0x1A5: ("p2p", None)}
    parts, rest = [], address
    while rest:
        for code, (name, size) in names.items():
            if rest.startswith(varint(code)):
                rest = rest[len(varint(code)) :]
                break
        else:
            raise Wrong("address")
        if size is None:
            if not rest or not 1 <= rest[0] <= 42:
                raise Wrong("address")
            size, rest = rest[0], rest[1:]
        if len(rest) < size:
            raise Wrong("address")
        parts.append((name, rest[:size]))
        rest = rest[size:]
    shape = " ".join(name for name, _ in parts).replace("ip6", "ip4", 1)
    shape = shape.replace("udp quic-v1", "tcp", 1)
    relayed = "ip4 tcp p2p p2p-circuit"
    if shape not in ("ip4 tcp", "ip4 tcp p2p", relayed, relayed + " p2p"):
        raise Wrong("address")
    if parts[1][1] == b"\0\0":
        raise Wrong("address")
    if shape in ("ip4 tcp p2p", relayed + " p2p") and parts[-1][1] != peer:
        raise Wrong("address")
    if network != "reg":
        ip = ipaddress.ip_address(parts[0][1])
        if ip.version == 6 and ip not in ipaddress.ip_network("2000::/3"):
            raise Wrong("address")
        if any(ip.version == net.version and ip in net for net in REFUSED_NETS):
            raise Wrong("address")


def judge_advertisement(body, network):
    r = Reader(body)
    found = r.fields(
        {
            1: lambda: r.bstr(33),
            2: r.uint,
            3: r.uint,
            4: lambda: r.bstr(*range(1, 43)),
            5: lambda: r.array(8, r.bstr),
            6: lambda: r.array(16, lambda: r.uint(65535)),
            7: lambda: r.tuple(r.uint, r.uint),
            8: r.uint,
            9: r.tstr,
            10: r.tstr,
            16: lambda: r.tuple(lambda: r.bstr(32), r.uint),
            17: lambda: r.tuple(r.uint, lambda: r.bstr(64)),
        },
        {1, 2, 3, 4, 5, 6},
    )
    types = found[6]
    if not types or types != sorted(set(types)) or (17 in found and 16 not in found):
        raise Wrong("malformed")
    if 7 in found and found[7][0] > found[7][1]:
        raise Wrong("malformed")
    for address in found[5]:
        check_address(address, network, found[4])
    check_text(found.get(9, ""), 64)
    check_text(found.get(10, ""), 256)


def judge_withdrawal(body, _):
    r = Reader(body)
    found = r.fields(
        {
            1: lambda: r.bstr(33),
            2: r.uint,
            16: lambda: r.tuple(lambda: r.bstr(32), r.uint),
            17: lambda: r.tuple(r.uint, lambda: r.bstr(64)),
        },
        {1, 2},
    )
    if 17 in found and 16 not in found:
        raise Wrong("malformed")


def judge_registration(body, _):
    r = Reader(body)
    r.fields(
        {
            1: r.bstr,
            2: lambda: r.uint(255),
            3: lambda: r.bstr(32),
            4: lambda: r.uint(2**32 - 1),
            5: lambda: r.bstr(*range(0, 33 * 32, 32)),
        },
        {1, 2, 3, 4, 5},
    )


def judge_hello(body, _):
    r = Reader(body)
    r.fields(
        {
            1: lambda: r.bstr(32),
            2: lambda: r.bstr(33),
            3: lambda: r.tuple(r.uint, lambda: r.bstr(64), r.uint),
            4: lambda: r.bstr(32),
        },
        {1, 2, 4},
    )


JUDGES = {1: judge_advertisement, 2: judge_withdrawal, 4: judge_registration, 5: judge_hello}


def judge(envelope, network):
    """None, or the name of the reason not to take the envelope."""
    try:
        if len(envelope) > 10_000:
            raise Wrong("oversize")
        r = Reader(envelope)
        if r.head(4) != 3:
            raise Wrong("malformed")
        kind = r.uint()
        if kind not in JUDGES:
            raise Wrong("unsupported")
        body = r.bstr()
        r.bstr(64)
        if not r.shortest or r.at != len(envelope):
            raise Wrong("malformed")
        JUDGES[kind](body, network)
    except Wrong as wrong:
        return wrong.args[0]
    return None


# What is valid


def secret(name):
    return sha256(name.encode())


def u16(value):
    return value.to_bytes(2, "little")


def u32(value):
    return value.to_bytes(4, "little")


def u64(value):
    return value.to_bytes(8, "little")


def peer_id(name):
    """As libp2p makes one of an Ed25519 key: identity multihash of the key's protobuf."""
    return bytes.fromhex("002408011220") + secret(name)


def ip(text):
    address = ipaddress.ip_address(text)
    return varint(4 if address.version == 4 else 0x29) + address.packed


def tcp(port):
    return varint(6) + port.to_bytes(2, "big")


def quic(port):
    return varint(0x111) + port.to_bytes(2, "big") + varint(0x1CD)


def p2p(peer):
    return varint(0x1A5) + varint(len(peer)) + peer


CIRCUIT = varint(0x122)
AUTHOR = "ltms test author"
IDENTITY = "lotus regtest identity key"
# The first burn of the regtest chain.
TXID = bytes.fromhex("f14f544fb8ec001ac14f6219fe56aa4e5a02cd7000e9b334ecd1b545d9f16625")
TRANSACTION = bytes.fromhex(
    "0200000001a7f81563281867e3678bed7b4d4e979aad9c8e1d49d7e985975b130da9193cea010000006441c9c8"
    "bd6452738f6fda803bb5111cbaa1cdc1072a383291710c02ee18b7dc5f2cadc9ddd91aa07d6aff551562a846a8"
    "02fd3e9ed1d7ba66ec89de942db434aa1861210227c66597d4d2885abebd63a2e6a1dd81f944716131a1f4e10b"
    "02be056eb887a2ffffffff0280f0fa0200000000386a044c544d5301012102fdc8c15626be634459915c181213"
    "7913cc0b4d91ac1a7eede7579570844c53aa0d313739353336313030303132339854840c000000001976a914ba"
    "39d5b37f4e20e5afe8dd4c5b22b4df16bf311888ac00000000"
)
BLOCK = bytes.fromhex("6a81ccf944cd69cad9daa560807d3e5da77882a28589e7680d0530b92a9564bb")[::-1]
BRANCH = [
    bytes.fromhex("1066e6e2999fd2b60a7967fd7567bc7a23e1b94bb40914ee22243eb4a1aca71c"),
    bytes.fromhex("59d937a1624f32dea8ad2b2877029f83c5d30bd73f30436b0430c64df51d8dda"),
    bytes.fromhex("522a696a9a4878b227a3a3b52b648b7c183397d75ee745eb562ed176549ab7dc"),
]
ID = sha256(TXID + b"\0")
assert ID.hex() == "6043b43d89826f3e4038e586262ac408bfa5ef9c9563c8d814757484f3d9deca"
NOW = 1_795_361_000_000
PEER = peer_id("ltms test peer")
RELAY = peer_id("ltms test relay")
VERIFIER = peer_id("ltms test verifier")


def to_json(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {k: to_json(v) for k, v in value.items() if v is not None}
    if isinstance(value, (list, tuple)):
        return [to_json(v) for v in value]
    return value


def signed(tag, data, name):
    digest = tagged_hash(tag, data)
    return {
        "tag": tag,
        "preimage": data,
        "hash": digest,
        "secret_key": secret(name),
        "public_key": public_key(secret(name)),
        "signature": sign(secret(name), digest),
    }


def delegation(network, delegated, sequence, not_after):
    data = NETWORK_BYTE[network] + ID + delegated + u64(sequence) + u64(not_after)
    return signed("LTMS/key/1", data, IDENTITY)


def vector(name, network, kind, fields, body, tag, data, key):
    entry = {"name": name, "network": network, "kind": kind, "fields": fields, "body": cbor(body)}
    entry |= signed(tag, data, key)
    entry["envelope"] = cbor([kind, entry["body"], entry["signature"]])
    assert judge(entry["envelope"], network) is None, name
    return entry


def authority_fields(body, authority):
    if authority:
        body[16] = [authority["identity"], authority["sequence"]]
        if authority.get("delegation"):
            body[17] = [authority["delegation"][k] for k in ("not_after", "signature")]
    return body


def authority(network, author, sequence, not_after=None):
    grant = None
    if not_after is not None:
        proof = delegation(network, author, sequence, not_after)
        grant = {"not_after": not_after, "signature": proof["signature"]}
    return {"identity": ID, "sequence": sequence, "delegation": grant}


def advertisement_body(f):
    body = {1: f["author"], 2: f["created_at"], 3: f["expires_at"], 4: f["peer"]}
    body |= {5: f["addresses"], 6: f["types"]}
    for key, name in ((7, "amount"), (8, "fee"), (9, "nickname"), (10, "description")):
        if f.get(name) is not None:
            body[key] = f[name]
    return authority_fields(body, f.get("authority"))


def advertisement(name, network, key=AUTHOR, **changes):
    fields = {
        "author": public_key(secret(key)),
        "created_at": NOW,
        "expires_at": NOW + 3_600_000,
        "peer": PEER,
        "addresses": [ip("1.2.3.4") + tcp(4001)],
        "types": [1],
    } | changes
    body = advertisement_body(fields)
    data = NETWORK_BYTE[network] + cbor(body)
    return vector(name, network, 1, fields, body, "LTMS/ad/1", data, key)


def withdrawal(name, network, key=AUTHOR, **changes):
    fields = {"author": public_key(secret(key)), "created_at": NOW + 1} | changes
    body = {1: fields["author"], 2: fields["created_at"]}
    body = authority_fields(body, fields.get("authority"))
    data = NETWORK_BYTE[network] + cbor(body)
    return vector(name, network, 2, fields, body, "LTMS/withdraw/1", data, key)


def registration(name, network, txid, **changes):
    fields = {
        "transaction": TRANSACTION,
        "vout": 0,
        "block": BLOCK,
        "position": 5,
        "branch": BRANCH,
    } | changes
    body = dict(enumerate(list(fields.values())[:4], 1)) | {5: b"".join(fields["branch"])}
    key = public_key(secret(IDENTITY))
    data = NETWORK_BYTE[network] + txid + u32(fields["vout"]) + key
    entry = vector(name, network, 4, fields, body, "LTMS/register/1", data, IDENTITY)
    return entry | {"txid": txid}


def hello(name, network, key, grant=None):
    fields = {"identity": ID, "key": public_key(secret(key)), "delegation": grant}
    fields["challenge"] = sha256(b"ltms test challenge")
    body = {1: fields["identity"], 2: fields["key"], 4: fields["challenge"]}
    if grant:
        body[3] = [grant["not_after"], grant["signature"], grant["sequence"]]
    data = NETWORK_BYTE[network] + u16(len(PEER)) + PEER + u16(len(VERIFIER)) + VERIFIER
    data += ID + fields["challenge"]
    entry = vector(name, network, 5, fields, body, "LTMS/hello/1", data, key)
    return entry | {"prover": PEER, "verifier": VERIFIER}


def valid():
    author = public_key(secret(AUTHOR))
    long_peer = bytes(range(42))
    all_forms = [
        ip("1.2.3.4") + tcp(1),
        ip("223.255.255.255") + quic(65535) + p2p(PEER),
        ip("2606:4700::1111") + tcp(4001) + p2p(PEER),
        ip("2a00:1450::8888") + quic(4001),
        ip("9.9.9.9") + tcp(4001) + p2p(RELAY) + CIRCUIT,
        ip("2001:200::1") + quic(4001) + p2p(RELAY) + CIRCUIT + p2p(PEER),
        ip("172.32.0.1") + tcp(4001),
        ip("100.128.0.1") + tcp(4001),
    ]
    grant = delegation("main", author, 3, NOW + 86_400_000)
    hello_grant = {
        "not_after": NOW + 86_400_000,
        "signature": grant["signature"],
        "sequence": 3,
    }
    tail = cbor([4, b"", bytes(64)])
    space = cbor({1: b"", 2: 0, 3: BLOCK, 4: 5, 5: b""})
    # Three heads grow to three bytes: the body's, the transaction's.
    padded = 10_000 - len(tail) - len(space) - 2 - 2
    return [
        advertisement("stranger", "main"),
        advertisement(
            "current key, every field",
            "main",
            key=IDENTITY,
            addresses=all_forms,
            types=[0, 1, 2, 3, 4, 5, 23, 24, 63, 64, 255, 256, 1000, 10000, 32768, 65535],
            amount=[1_000_000, 2**64 - 1],
            fee=24,
            nickname="Ålesund ⚡ 签名",
            description="signs spends and swaps, day and night",
            authority=authority("main", public_key(secret(IDENTITY)), 0),
        ),
        advertisement(
            "delegated key",
            "main",
            created_at=NOW + 255,
            amount=[0, 0],
            fee=0,
            authority=authority("main", author, 3, NOW + 86_400_000),
        ),
        advertisement(
            "no address, empty texts",
            "main",
            addresses=[],
            nickname="",
            description="",
            types=[65535],
        ),
        advertisement(
            "regtest, local addresses",
            "reg",
            addresses=[
                ip("127.0.0.1") + tcp(4001),
                ip("10.0.0.1") + quic(4001),
                ip("::1") + tcp(4001),
                ip("::ffff:192.168.0.1") + tcp(4001) + p2p(PEER),
            ],
        ),
        advertisement(
            "longest everything",
            "test",
            created_at=2**64 - 1,
            expires_at=2**64 - 1,
            peer=long_peer,
            addresses=[
                ip("2606:4700::1111") + quic(4001) + p2p(long_peer) + CIRCUIT + p2p(long_peer)
            ]
            * 8,
            types=list(range(65520, 65536)),
            amount=[2**64 - 1, 2**64 - 1],
            fee=2**64 - 1,
            nickname="签" * 21 + "x",
            description="𝕏" * 64,
            authority=authority("test", author, 2**64 - 1, 2**64 - 1),
        ),
        advertisement("shortest peer id", "test", created_at=0, expires_at=23, peer=b"\x07"),
        withdrawal("stranger's withdrawal", "main"),
        withdrawal(
            "withdrawal under an identity",
            "main",
            key=IDENTITY,
            authority=authority("main", public_key(secret(IDENTITY)), 24),
        ),
        withdrawal(
            "delegated withdrawal",
            "reg",
            authority=authority("reg", author, 65536, 4_294_967_296),
        ),
        registration("registration of the first regtest burn", "reg", TXID),
        registration("registration without a branch", "main", TXID, position=0, branch=[]),
        registration(
            "registration at its limits",
            "test",
            TXID,
            vout=255,
            position=2**32 - 1,
            branch=[bytes([i]) * 32 for i in range(32)],
        ),
        registration(
            "envelope of exactly 10,000 bytes",
            "main",
            TXID,
            transaction=b"\xab" * padded,
            branch=[],
        ),
        hello("hello by the current key", "main", IDENTITY),
        hello("hello by a delegated key", "main", AUTHOR, hello_grant),
    ]


# What is not


def invalid(good):
    by_name = {entry["name"]: entry for entry in good}
    plain = advertisement_body(by_name["stranger"]["fields"])
    full = advertisement_body(by_name["current key, every field"]["fields"])
    lent = advertisement_body(by_name["delegated key"]["fields"])
    envelope = by_name["stranger"]["envelope"]
    gone = {1: plain[1], 2: NOW}
    claim = {1: TRANSACTION, 2: 0, 3: BLOCK, 4: 5, 5: b"".join(BRANCH)}
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
    raw("kind 6", "unsupported", cbor([6, cbor(plain), signature]))
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
    for key in greeting:
        body(f"hello without field {key}", "malformed", without(greeting, key), 5)
    body("hello: challenge of 31 bytes", "malformed", greeting | {4: bytes(31)}, 5)
    body("hello: challenge of 33 bytes", "malformed", greeting | {4: bytes(33)}, 5)
    body("hello: key of 32 bytes", "malformed", greeting | {2: bytes(32)}, 5)
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
    while len(cases) < 300:
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


def delegations():
    author = public_key(secret(AUTHOR))
    out = []
    for network, sequence, not_after in (
        ("main", 0, NOW + 86_400_000),
        ("test", 1, 0),
        ("reg", 2**64 - 1, 2**64 - 1),
    ):
        entry = {"network": network, "identity": ID, "delegated": author}
        entry |= {"sequence": sequence, "not_after": not_after}
        out.append(entry | delegation(network, author, sequence, not_after))
    return out


def example(entry):
    lines = [f"### {entry['name'].capitalize()} ({entry['network']})", "", "```"]
    rows = {"secret key": entry["secret_key"], "public key": entry["public_key"]}
    if "prover" in entry:
        rows |= {"prover": entry["prover"], "verifier": entry["verifier"]}
    rows |= {"body": entry["body"], "tag": entry["tag"], "data": entry["preimage"]}
    rows |= {"hash": entry["hash"], "signature": entry["signature"], "envelope": entry["envelope"]}
    for name, value in rows.items():
        text = value if isinstance(value, str) else value.hex()
        chunks = [text[i : i + 80] for i in range(0, len(text), 80)]
        lines += [f"{name if i == 0 else '':<11}{chunk}" for i, chunk in enumerate(chunks)]
    return lines + ["```", ""]


def main():
    good = valid()
    vectors = to_json(
        {
            "about": "Written by tests/oracle/wire.py; see docs/wire.md. Bytes are hex, secret keys "
            "are for tests only, block hashes are in internal and txids in display order.",
            "valid": good,
            "delegations": delegations(),
            "invalid": invalid(good),
            "mutated": mutations(good),
        }
    )
    shown = ("stranger", "delegated key", "withdrawal under an identity")
    shown += ("registration of the first regtest burn", "hello by the current key")
    examples = [line for e in good if e["name"] in shown for line in example(e)]
    page = PAGE.read_text()
    mark = "## Worked examples\n"
    intro = (
        "\nAll keys are test keys: sha256 of `ltms test author` (the author) and of `lotus regtest\n"
        "identity key` (the identity, whose id comes from output 0 of a regtest transaction). More,\n"
        "with every field, and the cases that must fail are in `tests/vectors/wire.json`.\n\n"
    )
    page = page[: page.index(mark) + len(mark)] + intro + "\n".join(examples).rstrip() + "\n"
    wanted = {VECTORS: json.dumps(vectors, indent=1, ensure_ascii=True) + "\n", PAGE: page}
    if "--check" in sys.argv[1:]:
        stale = [str(p) for p, text in wanted.items() if not p.exists() or p.read_text() != text]
        sys.exit(f"not what the oracle writes: {', '.join(stale)}" if stale else 0)
    for path, text in wanted.items():
        path.write_text(text)


if __name__ == "__main__":
    main()
