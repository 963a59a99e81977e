#!/usr/bin/env python3
"""Writes tests/vectors/wire.json, its line in the manifest, and the examples of docs/wire.md.

Standard library only, no code shared with the Rust sources: a CBOR writer and reader, a judge of
envelopes and Lotus Schnorr, each as the page describes it.

    tests/oracle/wire.py            writes them
    tests/oracle/wire.py --check    fails if they are not what it would write
"""

import json
import pathlib
import sys

from _lotus_schnorr import sha256
from _wire_invalid import invalid, mutations
from _wire_valid import delegations, history, to_json, valid

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests/vectors/wire.json"
MANIFEST = ROOT / "tests/vectors/manifest.json"
PAGE = ROOT / "docs/wire.md"


def example(entry):
    lines = [f"### {entry['name'].capitalize()} ({entry['network']})", "", "```"]
    rows = {"secret key": entry["secret_key"], "public key": entry["public_key"]}
    if "prover" in entry:
        rows |= {"prover": entry["prover"], "verifier": entry["verifier"]}
    if "new_public_key" in entry:
        rows |= {"new secret": entry["new_secret_key"], "new key": entry["new_public_key"]}
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
            "history": history(good),
            "invalid": invalid(good),
            "mutated": mutations(good),
        }
    )
    shown = ("stranger", "delegated key", "withdrawal under an identity")
    shown += ("registration of the first regtest burn", "hello by the current key")
    shown += ("first rotation", "top-up by the rotated key")
    examples = [line for e in good if e["name"] in shown for line in example(e)]
    page = PAGE.read_text()
    mark = "## Worked examples\n"
    intro = (
        "\nAll keys are test keys: the author's is sha256 of `ltms test author`, the identity's of\n"
        "`lotus regtest identity key`, and its id comes from output 0 of a regtest transaction.\n"
        "The first two rotated keys are sha256 of `ltms test rotated key 1` and `… 2`. The transactions\n"
        "of the rotation and of the top-up are unsigned and in no block; the txids are theirs.\n"
        "More, with every field, and what must fail are in `tests/vectors/wire.json`.\n\n"
    )
    page = page[: page.index(mark) + len(mark)] + intro + "\n".join(examples).rstrip() + "\n"
    wanted = {VECTORS: json.dumps(vectors, indent=1) + "\n", PAGE: page}
    if "--check" in sys.argv[1:]:
        stale = [str(p) for p, text in wanted.items() if not p.exists() or p.read_text() != text]
        sys.exit(f"not what the oracle writes: {', '.join(stale)}" if stale else 0)
    for path, text in wanted.items():
        path.write_text(text)
    # The manifest's hash is checked by the tests that read it.
    counts = {name: len(cases) for name, cases in vectors.items() if name != "about"}
    manifest = json.loads(MANIFEST.read_text())
    manifest["wire.json"] = {"sha256": sha256(VECTORS.read_bytes()).hex(), "entries": counts}
    MANIFEST.write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main()
