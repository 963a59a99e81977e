#!/usr/bin/env python3
"""An independent model of the Gate: plays scenarios and says what every call has to answer.

Standard library only, unbounded dictionaries, exact arithmetic, no code shared with the Rust
sources. The Rust side plays the same scenarios on a Gate (`core/tests/scenarios`).

    tests/oracle/gate.py --write                     tests/vectors/scenarios.json, and the manifest
    tests/oracle/gate.py --check                     fails if they are not what it would write
    tests/oracle/gate.py --random SEED COUNT FILE    COUNT fresh scenarios, the same for every SEED
    tests/oracle/gate.py --fresh COUNT FILE          the same with LTMS_SEED, or a seed that is drawn
"""

import collections
import hashlib
import json
import os
import pathlib
import secrets
import sys

from _gate_curated import curated
from _gate_play import Player
from _gate_random import random_scenario
from _gate_rules import POLICIES

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests/vectors/scenarios.json"
MANIFEST = ROOT / "tests/vectors/manifest.json"
SEED, RANDOM = 1, 25
CHECKED_IN = 1 << 20  # bytes that the file may have

# What no scenario can end in: nothing gives the first, only a full table gives the next, and a
# Gate counts the outcomes of sessions, which have a table of their own.
UNREACHABLE = {"unjudged", "table-full", "stranger-share", "prove-identity", "group-banned"}
UNREACHABLE |= {"unknown-session", "not-a-signer", "wrong-phase", "session-limit", "shared-key"}


def reasons():
    """Every reason of the interface, from the page that lists them."""
    rows = (ROOT / "docs/wire.md").read_text().splitlines()
    cells = [[cell.strip(" `") for cell in row.split("|")] for row in rows if row.startswith("|")]
    return {row[2] for row in cells if len(row) > 3 and row[1].isdigit() and row[3] in VERDICTS}


VERDICTS = ("accept", "ignore", "reject")


def met(scenarios):
    """How often each reason was decided, by the operations that decide."""
    count = collections.Counter()
    for scenario in scenarios:
        for op in scenario["ops"]:
            want = op.get("want")
            if isinstance(want, list) and op["op"] not in ("events", "find", "identity"):
                want = want[0]
            if isinstance(want, str):
                count[want] += 1
    return count


def bundle(scenarios):
    return {"policies": POLICIES, **scenarios}


def text(scenarios):
    """One operation a line, so that a difference can be read."""
    return json.dumps(scenarios, separators=(",", ":")).replace('{"op"', '\n{"op"') + "\n"


def checked_in():
    scenarios = {
        "curated": list(curated()),
        "random": [random_scenario(f"{SEED}.{n}") for n in range(RANDOM)],
    }
    count = met(scenarios["curated"] + scenarios["random"])
    known = reasons()
    missing = sorted(known - UNREACHABLE - set(count))
    if missing:
        sys.exit(f"never decided in the scenarios: {', '.join(missing)}")
    about = "Written by tests/oracle/gate.py; the language is told in tests/oracle/_gate_play.py."
    coverage = {reason: count[reason] for reason in sorted(known & set(count))}
    return {"about": about, "coverage": coverage, **bundle(scenarios)}


def fresh(seed, count, path):
    if count < 1:
        sys.exit("no scenario")
    scenarios = [random_scenario(f"{seed}.{n}") for n in range(count)]
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(path).write_text(text(bundle({"random": scenarios})))
    decided = met(scenarios)
    print(f"seed {seed}: {count} scenarios, {sum(len(s['ops']) for s in scenarios)} operations")
    print("again with: LTMS_SEED=" + str(seed))
    print(", ".join(f"{reason} {times}" for reason, times in sorted(decided.items())))


def main(arguments):
    if arguments[:1] == ["--random"] and len(arguments) == 4:
        return fresh(arguments[1], int(arguments[2]), arguments[3])
    if arguments[:1] == ["--fresh"] and len(arguments) == 3:
        seed = os.environ.get("LTMS_SEED") or secrets.token_hex(4)
        return fresh(seed, int(arguments[1]), arguments[2])
    if arguments not in (["--write"], ["--check"]):
        sys.exit(__doc__)
    scenarios = checked_in()
    written = text(scenarios)
    if len(written) > CHECKED_IN:
        sys.exit(f"{len(written)} bytes are too many to keep")
    if arguments == ["--check"]:
        stale = not VECTORS.exists() or VECTORS.read_text() != written
        sys.exit(f"not what the oracle writes: {VECTORS}" if stale else 0)
    VECTORS.write_text(written)
    counts = {name: len(scenarios[name]) for name in ("curated", "random")}
    manifest = json.loads(MANIFEST.read_text())
    digest = hashlib.sha256(VECTORS.read_bytes()).hexdigest()
    manifest["scenarios.json"] = {"sha256": digest, "entries": counts}
    MANIFEST.write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
