"""Vectors as a C header: tables, with bytes in one long array. What was read is remembered."""

import hashlib
import json
import re
from pathlib import Path

VECTORS = Path(__file__).resolve().parent.parent / "vectors"
MANIFEST = json.loads((VECTORS / "manifest.json").read_text())

# What was read, by file, or by file and list.
READ = set()


def file(name):
    """The bytes of a file, which are those that the manifest names."""
    data = (VECTORS / name).read_bytes()
    if hashlib.sha256(data).hexdigest() != MANIFEST[name]["sha256"]:
        raise SystemExit(f"{name} was changed")
    READ.add(name)
    return data


def document(name):
    return json.loads(file(name))


def entries(name, list_):
    """A list of a file, as long as the manifest says and never empty."""
    root = document(name)
    found = root if list_ == "." else root[list_]
    if not found or len(found) != MANIFEST[name]["entries"][list_]:
        raise SystemExit(f"{name}: {list_} has {len(found)} entries")
    READ.add(f"{name} {list_}")
    return found


def unread(manifest, read, elsewhere):
    """What the manifest names that was neither read nor is named as somebody else's."""
    names = []
    for name, about in manifest.items():
        lists = [list_ for list_ in about["entries"] if name.endswith(".json")]
        names += [f"{name} {list_}" for list_ in lists] or [name]
    unknown = [key for key in elsewhere if key not in names or key in read]
    if unknown:
        raise SystemExit(f"played, or not in the manifest: {unknown}")
    return [key for key in names if key not in read and key not in elsewhere]


def capitals(name):
    """`NotOpReturn` → `NOT_OP_RETURN`, `too-soon` → `TOO_SOON`."""
    return re.sub(r"(?<=[A-Za-z0-9])(?=[A-Z])", "_", name).replace("-", "_").upper()


def status(group, error):
    """The status for an error as the core writes it: `Root` or `Branch(Index)`."""
    inner = re.fullmatch(r"(\w+)\((\w+)\)", error)
    group, error = inner.groups() if inner else (group, error)
    return f"LTMS_{capitals(group)}_{capitals(error)}"


def reason(name):
    return f"LTMS_REASON_{capitals(name)}"


def reversed_hex(text):
    return bytes.fromhex(text)[::-1].hex()


class Header:
    """Collects bytes and tables."""

    def __init__(self):
        self.blob = bytearray()
        self.tables = []
        self.counts = {}

    def bytes(self, data):
        """A span of the long array, for bytes or hexadecimal digits."""
        data = bytes.fromhex(data) if isinstance(data, str) else data
        at = len(self.blob)
        self.blob += data
        return f"{{VECTOR_BYTES + {at}, {len(data)}}}"

    def rows(self, name, type_, rows):
        """A table of a type, with a row for each text. To be played, if the type is new."""
        lines = "".join(f"    {row},\n" for row in rows)
        self.tables.append(f"UNUSED static const {type_} {name}[] = {{\n{lines}}};\n")

    def array(self, type_, items):
        """A pointer to so many items, NULL for none."""
        if not items:
            return "NULL"
        name = f"array_{len(self.tables)}"
        self.rows(name, type_, items)
        return name

    def table(self, name, fields, rows):
        """A table to be played, of its own type."""
        members = "".join(f"    {field};\n" for field in fields)
        cells = ["{" + ", ".join(str(cell) for cell in row) + "}" for row in rows]
        if not cells:
            raise SystemExit(f"{name} is empty")
        self.rows(name, f"struct {{\n{members}}}", cells)
        self.counts[name] = len(cells)

    def write(self, path, include):
        lines = [
            ", ".join(map(str, self.blob[at:at + 30])) for at in range(0, len(self.blob), 30)
        ]
        path.write_text(
            "/* Written by tests/c from tests/vectors. */\n"
            f'#include "{include}"\n\n#define UNUSED __attribute__((unused))\n\n'
            "static const uint8_t VECTOR_BYTES[] = {\n    " + ",\n    ".join(lines) + ",\n};\n\n"
            + "\n".join(self.tables)
        )
