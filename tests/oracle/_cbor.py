"""CBOR: a writer that can also write it wrong, and a reader that remembers whether it was."""


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

    def uint(self, most=2**64 - 1, least=0):
        value = self.head(0)
        if not least <= value <= most:
            raise Wrong("malformed")
        return value

    def time(self):
        return self.uint(2**48 - 2)

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
