"""The rules of docs/wire.md: what is wrong with an envelope."""

import ipaddress

from _cbor import Reader, Wrong

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


def is_peer_id(data):
    """Whether libp2p makes such ids: a multihash, and of what."""
    if data[:1] == b"\x12":
        return len(data) == 34 and data[1] == 32
    # The identity multihash of a protobuf: key type, then the key's length and bytes.
    if data[:1] != b"\0" or len(data) < 7 or data[1] != len(data) - 2:
        return False
    kind, size, key = data[2:4], data[4:6], data[6:]
    if kind == b"\x08\x01":
        return size == b"\x12\x20" and len(key) == 32
    return kind + size == b"\x08\x02\x12\x21" and len(key) == 33 and key[0] in (2, 3)


def peer_id(reader):
    peer = reader.bstr()
    if not is_peer_id(peer):
        raise Wrong("malformed")
    return peer


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
            if not rest or not is_peer_id(rest[1 : 1 + rest[0]]):
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
            2: r.time,
            3: r.time,
            4: lambda: peer_id(r),
            5: lambda: r.array(8, r.bstr),
            6: lambda: r.array(16, lambda: r.uint(65535)),
            7: lambda: r.tuple(r.uint, r.uint),
            8: r.uint,
            9: r.tstr,
            10: r.tstr,
            16: lambda: r.tuple(lambda: r.bstr(32), r.uint),
            17: lambda: r.tuple(r.time, lambda: r.bstr(64)),
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
            2: r.time,
            16: lambda: r.tuple(lambda: r.bstr(32), r.uint),
            17: lambda: r.tuple(r.time, lambda: r.bstr(64)),
        },
        {1, 2},
    )
    if 17 in found and 16 not in found:
        raise Wrong("malformed")


def judge_claim(body, more):
    """The burn, and the readers of what a kind has besides it."""
    r = Reader(body)
    readers = {
        1: r.bstr,
        2: lambda: r.uint(255),
        3: lambda: r.bstr(32),
        4: lambda: r.uint(2**32 - 1),
        5: lambda: r.bstr(*range(0, 33 * 32, 32)),
    } | more(r)
    r.fields(readers, set(readers))


def judge_registration(body, _):
    judge_claim(body, lambda r: {})


def judge_rotation(body, _):
    def more(r):
        identity, signature = (lambda: r.bstr(32)), (lambda: r.bstr(64))
        return {6: identity, 7: lambda: r.uint(64, 1), 8: r.time, 9: signature}

    judge_claim(body, more)


def judge_credit(body, _):
    judge_claim(body, lambda r: {6: lambda: r.bstr(32), 7: lambda: r.uint(64)})


def judge_hello(body, _):
    r = Reader(body)
    r.fields(
        {
            1: lambda: r.bstr(32),
            2: lambda: r.bstr(33),
            3: lambda: r.tuple(r.time, lambda: r.bstr(64), r.uint),
            4: lambda: r.bstr(32),
        },
        {1, 2, 4},
    )


JUDGES = {
    1: judge_advertisement,
    2: judge_withdrawal,
    4: judge_registration,
    5: judge_hello,
    6: judge_rotation,
    7: judge_credit,
}


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
