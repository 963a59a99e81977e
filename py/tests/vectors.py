"""The vectors that all languages share, as the manifest tells them."""

import hashlib
import json
import os
from pathlib import Path

FOLDER = Path(os.environ.get("LTMS_VECTORS") or Path(__file__).parents[2] / "tests" / "vectors")
MANIFEST = json.loads((FOLDER / "manifest.json").read_text())

# What tests asked for, by file and list; the last test compares it with the manifest.
READ = set()

# What the package has nothing for, and why: a file, or a list of one.
ELSEWHERE = {
    ("gossip-message-id.json", None): "message ids are the network's",
    ("chain.json", "addresses"): "addresses are the wallet's",
}


def file(name):
    """The bytes of a file, which must be those that the manifest names."""
    data = (FOLDER / name).read_bytes()
    if hashlib.sha256(data).hexdigest() != MANIFEST[name]["sha256"]:
        raise AssertionError(f"{name} was changed")
    READ.add((name, None))
    return data


def document(name):
    return json.loads(file(name))


def cases(name, entries, found=None):
    """A list of a file, "." for a file that is one, as long as the manifest says, never empty."""
    if found is None:
        found = document(name) if entries == "." else document(name)[entries]
    if not found or len(found) != MANIFEST[name]["entries"][entries]:
        raise AssertionError(f"{name}: {len(found)} {entries}")
    READ.add((name, entries))
    return found


def unread(read, manifest):
    """What the manifest names that was neither read nor is left to others."""
    asked = [(name, None) for name in manifest]
    for name, entry in manifest.items():
        asked += [(name, entries) for entries in entry["entries"]]
    return sorted(set(asked) - read - set(ELSEWHERE), key=str)


def plain(value):
    """As the vectors have it: bytes in digits, pairs as lists."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value.hex() if isinstance(value, bytes) else value
