"""Messages that are valid, with all that leads to their bytes."""

import ipaddress

from _cbor import Wrong, cbor
from _lotus_burn import BLOCK, BRANCH, TRANSACTION, TXID, burn_script, transaction
from _lotus_schnorr import public_key, sha256, sign, tagged_hash
from _wire_judge import HIDDEN_RANGES, REFUSED_NETS, check_address, judge, varint

NETWORK_BYTE = {"main": b"_", "test": b"T", "reg": b"R"}


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
ROTATED = ["ltms test rotated key 1", "ltms test rotated key 2"]
ID = sha256(TXID + b"\0")
assert ID.hex() == "6043b43d89826f3e4038e586262ac408bfa5ef9c9563c8d814757484f3d9deca"
NOW = 1_795_361_000_000
# The latest time there is on the wire.
LAST = 2**48 - 2
PEER = peer_id("ltms test peer")
RELAY = peer_id("ltms test relay")
# As libp2p makes one of a longer key: a sha256 multihash, so that the lengths differ.
VERIFIER = b"\x12\x20" + secret("ltms test verifier")


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


def burn_fields(raw, changes):
    burn = {"transaction": raw, "vout": 0, "block": BLOCK, "position": 5, "branch": BRANCH}
    return burn | changes


def burn_body(f):
    names = ("transaction", "vout", "block", "position")
    return dict(enumerate((f[name] for name in names), 1)) | {5: b"".join(f["branch"])}


def registration(name, network, txid, **changes):
    fields = burn_fields(TRANSACTION, changes)
    body = burn_body(fields)
    key = public_key(secret(IDENTITY))
    data = NETWORK_BYTE[network] + txid + u32(fields["vout"]) + key
    entry = vector(name, network, 4, fields, body, "LTMS/register/1", data, IDENTITY)
    return entry | {"txid": txid}


def burned(purpose, key, sats):
    """An unsigned transaction that burns for the identity."""
    coin = sha256(bytes([purpose]) + key)
    return transaction((coin, 0), [(sats, burn_script(key, purpose, ID))])


def rotation_body(f):
    more = {6: f["identity"], 7: f["sequence"], 8: f["created_at"], 9: f["new_key_signature"]}
    return burn_body(f) | more


def rotation(name, network, sequence, old=IDENTITY, new=ROTATED[0], created_at=NOW, **changes):
    old_key, new_key = public_key(secret(old)), public_key(secret(new))
    raw, txid = burned(1, new_key, 5_000_000)
    fields = burn_fields(raw, changes)
    fields |= {"identity": ID, "sequence": sequence, "created_at": created_at}
    data = NETWORK_BYTE[network] + ID + u64(sequence) + old_key + new_key
    data += txid + u32(fields["vout"]) + u64(created_at)
    by_new_key = signed("LTMS/rotate/1", data, new)
    fields["new_key_signature"] = by_new_key["signature"]
    body = rotation_body(fields)
    entry = vector(name, network, 6, fields, body, "LTMS/rotate/1", data, old)
    new_secret = by_new_key["secret_key"]
    return entry | {"txid": txid, "new_secret_key": new_secret, "new_public_key": new_key}


def credit_body(f):
    return burn_body(f) | {6: f["identity"], 7: f["sequence"]}


def credit(name, network, purpose, sequence, key=IDENTITY, script_key=None, **changes):
    script_key = script_key or public_key(secret(key))
    raw, txid = burned(purpose, script_key, 10_000_000)
    fields = burn_fields(raw, changes) | {"identity": ID, "sequence": sequence}
    data = NETWORK_BYTE[network] + ID + bytes([purpose]) + txid + u32(fields["vout"])
    data += script_key + u64(sequence)
    body = credit_body(fields)
    entry = vector(name, network, 7, fields, body, "LTMS/credit/1", data, key)
    return entry | {"txid": txid, "purpose": purpose, "script_key": script_key}


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


def outside():
    """Addresses next to the refused ones, as few advertisements as hold them."""
    found = []
    for net in REFUSED_NETS:
        last = 2**net.max_prefixlen - 1
        for number in (int(net[0]) - 1, int(net[-1]) + 1):
            if 0 <= number <= last:
                # Not ip_address(number): a small number would become an IPv4 address.
                address = ip(str(type(net[0])(number))) + tcp(4001)
                try:
                    check_address(address, "main", PEER)
                except Wrong:
                    continue
                found.append(address)
    return [found[i : i + 8] for i in range(0, len(found), 8)]


def shown_next_to_hidden():
    points = sorted({p for low, high in HIDDEN_RANGES for p in (low - 1, high + 1) if p >= 0})
    hidden = lambda point: any(low <= point <= high for low, high in HIDDEN_RANGES)
    return "".join(chr(p) for p in points if not hidden(p))


def valid():
    author = public_key(secret(AUTHOR))
    long_peer = bytes.fromhex("00250802122102") + secret("ltms test long peer")
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
    longest = {
        "vout": 255,
        "position": 2**32 - 1,
        "branch": [bytes([i]) * 32 for i in range(32)],
    }
    small = {"position": 1, "branch": []}
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
            created_at=LAST,
            expires_at=LAST,
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
            authority=authority("test", author, 2**64 - 1, LAST),
        ),
        advertisement(
            "peer id of an odd secp256k1 key",
            "test",
            created_at=0,
            expires_at=23,
            peer=long_peer[:6] + b"\x03" + long_peer[7:],
        ),
        advertisement("shortest peer id, a hash", "main", peer=VERIFIER),
        advertisement("characters next to hidden ones", "main", description=shown_next_to_hidden()),
        *(
            advertisement(f"addresses next to refused ones, {i}", "main", addresses=addresses)
            for i, addresses in enumerate(outside(), 1)
        ),
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
        registration("registration at its limits", "test", TXID, **longest),
        registration(
            "envelope of exactly 10,000 bytes",
            "main",
            TXID,
            transaction=b"\xab" * padded,
            branch=[],
        ),
        hello("hello by the current key", "main", IDENTITY),
        hello("hello by a delegated key", "main", AUTHOR, hello_grant),
        rotation("first rotation", "reg", 1),
        rotation("second rotation", "reg", 2, ROTATED[0], ROTATED[1], NOW + 1),
        rotation("rotation without a branch", "main", 23, created_at=0, **small),
        rotation("rotation with a longer sequence", "main", 24, created_at=23, **small),
        rotation("last rotation, at its limits", "test", 64, created_at=LAST, **longest),
        credit("top-up by the rotated key", "reg", 6, 1, ROTATED[0]),
        credit("additional key", "main", 2, 0, IDENTITY, author, **small),
        credit("signing request", "main", 3, 23, **small),
        credit("weekly extension", "main", 4, 24, **small),
        credit("directory entry", "test", 5, 64, **small),
        credit("credit at its limits", "test", 6, 64, **longest),
    ]


def history(good):
    """What leads from the identity's burn to its newest key."""
    by_name = {entry["name"]: entry["envelope"] for entry in good}
    steps = ("registration of the first regtest burn", "first rotation", "second rotation")
    return [by_name[step] for step in steps]


def delegations():
    author = public_key(secret(AUTHOR))
    out = []
    for network, sequence, not_after in (
        ("main", 0, NOW + 86_400_000),
        ("test", 1, 0),
        ("reg", 2**64 - 1, LAST),
    ):
        entry = {"network": network, "identity": ID, "delegated": author}
        entry |= {"sequence": sequence, "not_after": not_after}
        out.append(entry | delegation(network, author, sequence, not_after))
    return out
