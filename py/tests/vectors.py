"""The vectors that all languages share, as the manifest tells them."""

import hashlib
import json
import os
from pathlib import Path

FOLDER = Path(os.environ.get("LTMS_VECTORS") or Path(__file__).parents[2] / "tests" / "vectors")
MANIFEST = json.loads((FOLDER / "manifest.json").read_text())

# What tests asked for, by file and list; test_vectors.py compares it with the manifest at the end.
READ = set()

# What is not for Python, and why.
ELSEWHERE = {
    "gossip-message-id.json": "message ids are the network's",
    "scenarios.json": "the model's language is played against the core itself",
    "inclusion.json": "proofs for devices without a source are not in Python",
    "regtest/": "answers of lotusd and its indexer, for the sources of the node",
}
# The same for single lists.
OTHER_LISTS = {
    ("chain.json", "blocks"): "blocks are not in Python",
    ("chain.json", "headers"): "headers are read only as parts of proofs",
    ("chain.json", "merkle_branches"): "branches come only with claims",
    ("chain.json", "compact_bits"): "targets are not in Python",
    ("chain.json", "policy"): "relay policy of lotusd, for the wallet of the node",
    ("chain.json", "sighash"): "signing of inputs, for the wallet of the node",
    ("chain.json", "addresses"): "addresses, for the wallet of the node",
    ("lotus-sdk-ltms.json", "registration_cases"): "rules of the older SDK, which ours replace",
    ("wire.json", "history"): "histories of identities are not in Python",
    ("schnorr.json", "parsing"): "how the older SDK cuts signatures of other lengths",
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


def cases(name, entries):
    """A list of a file, as long as the manifest says and never empty."""
    found = document(name)[entries]
    if not found or len(found) != MANIFEST[name]["entries"][entries]:
        raise AssertionError(f"{name}: {len(found)} {entries}")
    READ.add((name, entries))
    return found


def unread():
    """What the manifest names that was neither read nor is left to others."""
    missing = []
    for name, entry in MANIFEST.items():
        if any(name.startswith(other) for other in ELSEWHERE):
            continue
        if (name, None) not in READ:
            missing.append(name)
        for entries in entry["entries"]:
            if name.endswith(".json") and (name, entries) not in READ | set(OTHER_LISTS):
                missing.append(f"{name}: {entries}")
    return missing
