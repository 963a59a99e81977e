"""The rules of docs/proof.md: what a proof proves, or what is wrong with it."""

import hashlib

MAX_MONEY = 2_100_000_000 * 1_000_000


class Wrong(Exception):
    """The error's name."""


def sha256(data):
    return hashlib.sha256(data).digest()


def dsha(data):
    return sha256(sha256(data))


def number(data):
    return int.from_bytes(data, "little")


def block_hash(header):
    return sha256(header[:32] + sha256(header[32:52] + sha256(header[52:])))


def target(bits):
    size, mantissa = bits >> 24, bits & 0x7FFFFF
    value = mantissa >> 8 * (3 - size) if size < 3 else mantissa << 8 * (size - 3)
    if value == 0 or bits & 0x800000 or value >= 2**256:
        raise Wrong("Work")
    return value


def work(bits, hash_):
    most = target(bits)
    if number(hash_) > most:
        raise Wrong("Work")
    return min(2**256 // (most + 1), 2**128 - 1)


def root(level):
    layers = 1 if level else 0
    while len(level) > 1:
        level = level + [bytes(32)] * (len(level) % 2)
        level = [dsha(a + b) for a, b in zip(level[::2], level[1::2])]
        layers += 1
    return (level[0] if level else bytes(32)) + bytes([layers])


class Reader:
    def __init__(self, data, error):
        self.data, self.at, self.error = data, 0, error

    def take(self, length):
        if length > len(self.data) - self.at:
            raise Wrong(self.error)
        self.at += length
        return self.data[self.at - length : self.at]

    def rest(self):
        return self.data[self.at :]

    def size(self):
        first = self.take(1)[0]
        if first < 0xFD:
            return first
        length = {0xFD: 2, 0xFE: 4, 0xFF: 8}[first]
        value = number(self.take(length))
        if value < {2: 0xFD, 4: 2**16, 8: 2**32}[length]:
            raise Wrong("Tx(NonCanonicalSize)")
        if value > 0x02000000:
            raise Wrong("Tx(SizeTooLarge)")
        return value


class Transaction:
    """The transaction at the beginning of the data."""

    def __init__(self, data):
        reader = Reader(data, "Tx(Truncated)")
        version = reader.take(4)
        inputs, self.spent = [], []
        for _ in range(reader.size()):
            outpoint = reader.take(36)
            reader.take(reader.size())
            self.spent.append(outpoint)
            inputs.append(dsha(outpoint + reader.take(4)))
        outputs, self.outputs, total = [], [], 0
        for _ in range(reader.size()):
            start = reader.at
            value = number(reader.take(8))
            if value > MAX_MONEY:
                raise Wrong("Tx(ValueOutOfRange)")
            script = reader.take(reader.size())
            total += value
            if total > MAX_MONEY:
                raise Wrong("Tx(SumOutOfRange)")
            self.outputs.append((value, script))
            outputs.append(dsha(data[start : reader.at]))
        lock_time = reader.take(4)
        self.raw = data[: reader.at]
        self.txid = dsha(version + root(inputs) + root(outputs) + lock_time)
        self.leaf = dsha(dsha(self.raw) + self.txid)

    def is_coinbase(self):
        return self.spent == [bytes(32) + b"\xff" * 4]


def check_header(header):
    if header[42:44] != bytes(2):
        raise Wrong("Header(Reserved)")
    if header[52] != 1:
        raise Wrong("Header(Version)")
    if number(header[53:60]) > 32_000_000:
        raise Wrong("Header(BlockSize)")
    if header[63] & 0x80:
        raise Wrong("Header(Height)")


def judge(proof, txid, vout, anchor):
    """What is proved. The anchor is a hash and a height, or None to weigh the work."""
    reader = Reader(proof, "Truncated")
    form = reader.take(1)[0]
    if form not in (1, 2):
        raise Wrong("Form")
    position = number(reader.take(4))
    depth = reader.take(1)[0]
    if depth > 32:
        raise Wrong("Branch(TooDeep)")
    branch = reader.take(32 * depth)
    header = reader.take(160)
    check_header(header)
    tx = Transaction(reader.rest())
    rest = reader.rest()[len(tx.raw) :]
    size = 32 if form == 1 else 52
    if len(rest) % size or (form == 2 and not rest):
        raise Wrong("Links")
    links = [rest[i : i + size] for i in range(0, len(rest), size)]

    if not 100 <= len(tx.raw) <= 1_000_000:
        raise Wrong("TxSize")
    if position == 0 or tx.is_coinbase():
        raise Wrong("Coinbase")
    if tx.txid != txid:
        raise Wrong("OtherTransaction")
    if vout >= len(tx.outputs):
        raise Wrong("NoOutput")
    if position >> depth:
        raise Wrong("Branch(Index)")
    node = tx.leaf
    for level in range(depth):
        sibling = branch[32 * level : 32 * level + 32]
        if position >> level & 1:
            if sibling == bytes(32):
                raise Wrong("Branch(MissingLeft)")
            node = dsha(sibling + node)
        else:
            node = dsha(node + sibling)
    if node != header[96:128]:
        raise Wrong("Root")

    height, block = number(header[60:64]), block_hash(header)
    proved = {"position": position, "height": height, "block_hash": block, "depth": len(links)}
    proved |= {"value_sats": tx.outputs[vout][0], "script": tx.outputs[vout][1]}
    if anchor is None:
        total = work(number(header[32:36]), block)
        if links and form == 1:
            raise Wrong("Work")
        for link in links:
            block = sha256(block + sha256(link))
            total += work(number(link[:4]), block)
        return proved | {"class": "weak", "work": str(total)}
    if height + len(links) != anchor[1]:
        raise Wrong("Height")
    for link in links:
        block = sha256(block + (link if form == 1 else sha256(link)))
    if block != anchor[0]:
        raise Wrong("Anchor")
    return proved | {"class": "anchored"}
