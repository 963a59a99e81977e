"""What the programs are fed with, as Rust and as C: taken from tests/vectors, or made and signed
with their test keys by the code of tests/oracle, of which nothing is shared with the core."""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "oracle"))

import proof  # noqa: E402
from _lotus_schnorr import public_key  # noqa: E402
from _proof_judge import block_hash, number  # noqa: E402
from _wire_valid import (  # noqa: E402
    AUTHOR, CIRCUIT, ID, IDENTITY, PEER, advertisement, authority, ip, p2p, peer_id, quic, secret,
    tcp,
)

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
PROOF = "burn A, 72 blocks below the anchor"
REGISTRATION = "registration of the first regtest burn"
CLOSE_TO_THE_LIMIT = 124 * MINUTE  # of the 2 h 5 min that a device without a clock allows
NEWER = 20  # blocks from the first anchor to the newer one
CROWD = 60  # keys, more than a device has rows
STRANGER, OTHER_PEER = "ltms test stranger", "ltms test other peer"


def entry(file: str, name: str) -> dict:
    found = [e for e in json.loads((ROOT / "tests/vectors" / file).read_text())["valid"]
             if e["name"] == name]
    assert len(found) == 1, name
    return found[0]


def ad(created_at: int, key: str = IDENTITY, **changes) -> bytes:
    """An advertisement for half a day, under burn A's identity unless it says otherwise."""
    fields = {
        "created_at": created_at,
        "expires_at": created_at + DAY // 2,
        "addresses": [ip("127.0.0.1") + tcp(4001)],
        "authority": authority("reg", public_key(secret(key)), 0),
    }
    made = advertisement("made", "reg", key=key, **(fields | changes))
    return made["envelope"]


def longest(created_at: int) -> bytes:
    """With all that fits in: by a delegated key, under an identity."""
    end = created_at + DAY // 2
    here = [ip("2606:4700::1111") + quic(4001) + p2p(PEER) + CIRCUIT + p2p(PEER)] * 8
    return ad(
        created_at, AUTHOR, addresses=here, types=list(range(65520, 65536)), fee=2**64 - 1,
        amount=[2**64 - 1] * 2, nickname="签" * 21 + "x", description="𝕏" * 64,
        authority=authority("reg", public_key(secret(AUTHOR)), 0, end),
    )


def broken(envelope: bytes) -> bytes:
    """With a signature of which one bit is wrong: it stands at the end."""
    return envelope[:-1] + bytes([envelope[-1] ^ 1])


def signatures() -> bytes:
    """All of schnorr.json, one after another: key, hash, signature, and whether it holds."""
    vectors = json.loads((ROOT / "tests/vectors/schnorr.json").read_text())
    return b"".join(
        bytes.fromhex(e["pubkey"] + e["msg"] + e["sig"]) + bytes([e["valid"]])
        for e in vectors["valid"] + vectors["invalid"] if len(e["sig"]) == 128
    )


def inputs() -> tuple[dict[str, bytes], dict[str, int]]:
    """Bytes and numbers by name."""
    proved, registration = entry("inclusion.json", PROOF), entry("wire.json", REGISTRATION)
    height = proved["anchor"]["height"]
    headers = dict(proof.HEADERS)
    for above in range(height + 1, height + NEWER + 1):
        headers[above] = proof.mine(headers[above - 1], above)
    anchor, newer = headers[height], headers[height + NEWER]
    assert block_hash(anchor)[::-1].hex() == proved["anchor"]["hash"]
    now = number(anchor[36:42]) * 1000
    # No vector has an advertisement of this time; all of them are made with the vectors' keys.
    return {
        "ANCHOR": block_hash(anchor),
        "ANCHOR_HEADER": anchor,
        "NEWER": block_hash(newer),
        "NEWER_HEADER": newer,
        "NEWER_LINKS": b"".join(proof.plain(headers[h]) for h in range(height + 1, height + NEWER + 1)),
        "TXID": bytes.fromhex(proved["txid"])[::-1],
        "IDENTITY": ID,
        "PROOF": bytes.fromhex(proved["proof"]),
        "REGISTRATION": bytes.fromhex(registration["envelope"]),
        "SIGNATURES": signatures(),
        "SNAPSHOT": bytes.fromhex("".join(
            (ROOT / "tests/vectors/snapshots/1.hex").read_text().split())),
        "PEER": PEER,
        "OTHER_PEER": peer_id(OTHER_PEER),
        "AD_OF_IDENTITY": ad(now),
        "AD_SOON_AFTER": ad(now + 1000),
        "AD_OF_STRANGER": ad(now, STRANGER, authority=None),
        "AD_BROKEN": broken(ad(now, "ltms test another stranger", authority=None)),
        "AD_ELSEWHERE": ad(now, "ltms test other stranger", authority=None),
        "AD_EXPIRED": ad(now - DAY, AUTHOR, authority=None),
        "AD_AHEAD": longest(now + CLOSE_TO_THE_LIMIT),
        "AD_TOO_FAR_AHEAD": ad(now + CLOSE_TO_THE_LIMIT + 5 * MINUTE, AUTHOR, authority=None),
        "AD_OF_UNKNOWN": ad(
            now, "ltms test unknown", authority={"identity": secret("nobody"), "sequence": 0}),
        "KEYS": b"".join(public_key(secret(f"ltms test crowd {n}")) for n in range(CROWD)),
        "AD_LATER": ad(now + 2 * HOUR + NEWER * 120_000),
    }, {
        "ANCHOR_HEIGHT": height,
        "NEWER_HEIGHT": height + NEWER,
        # As core/tests/gate/world.rs has it: the snapshot was written then.
        "SNAPSHOT_AT": 1_795_400_000_000,
    }


def write_rust(path: Path) -> None:
    data, numbers = inputs()
    lines = [f"pub const {name}: u64 = {value};" for name, value in numbers.items()]
    lines += [
        f'#[unsafe(link_section = ".inputs")]\npub static {name}: [u8; {len(value)}] = {list(value)};'
        for name, value in data.items()
    ]
    path.write_text("\n".join(lines) + "\n")


def write_c(path: Path) -> None:
    data, numbers = inputs()
    lines = [f"#define {name} {value}u" if value < 2**32 else f"#define {name} {value}ull"
             for name, value in numbers.items()]
    lines += [
        f'__attribute__((section(".inputs"))) static const unsigned char {name}[{len(value)}] = '
        f"{{{','.join(map(str, value))}}};"
        for name, value in data.items()
    ]
    path.write_text("\n".join(lines) + "\n")
