"""Burn scripts, and transactions that have one, with their Lotus txid."""

from _lotus_schnorr import sha256

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


def double_sha256(data):
    return sha256(sha256(data))


def burn_script(key, purpose, identity):
    pushes = [b"LTMS", b"\x01", key, bytes([purpose]) + identity]
    return b"\x6a" + b"".join(bytes([len(push)]) + push for push in pushes)


def tree(leaves):
    """Root and number of layers: a missing node is 32 zero bytes."""
    layers = 1
    while len(leaves) > 1:
        leaves = leaves + [bytes(32)] * (len(leaves) % 2)
        leaves = [double_sha256(a + b) for a, b in zip(leaves[::2], leaves[1::2])]
        layers += 1
    return leaves[0] + bytes([layers])


def transaction(spent, outputs):
    """The bytes and the txid, in display order, of an unsigned transaction with one input.

    `spent` is a txid in display order and an index, each output an amount and a script.
    """
    version, sequence, lock_time = b"\2\0\0\0", b"\xff" * 4, bytes(4)
    point = spent[0][::-1] + spent[1].to_bytes(4, "little")
    written = [sats.to_bytes(8, "little") + bytes([len(s)]) + s for sats, s in outputs]
    raw = version + b"\1" + point + b"\0" + sequence
    raw += bytes([len(written)]) + b"".join(written) + lock_time
    inputs = tree([double_sha256(point + sequence)])
    txid = double_sha256(version + inputs + tree(list(map(double_sha256, written))) + lock_time)
    return raw, txid[::-1]


# The chain's txid does not cover the signature either.
SPENT = TRANSACTION[5:37][::-1], 1
OUTPUTS = [(50_000_000, TRANSACTION[156:212]), (209_999_000, TRANSACTION[221:246])]
assert transaction(SPENT, OUTPUTS)[1] == TXID
