#!/usr/bin/env python3
"""Compares the public items of core with core/api/ltms-core.txt, or writes them there: --write.

The listing is cargo-public-api's, of all features. Where that is not installed nothing is compared,
and the exit code is 77; `make api` installs it.
"""

import difflib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LISTING = ROOT / "core" / "api" / "ltms-core.txt"
# A folder of its own: the variable below would have the rest built anew.
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "api"
SKIPPED = 77  # as tests/run.py knows it


def listing() -> str:
    # rustdoc's JSON is not stable yet; the variable lets a stable toolchain write it.
    subprocess.run(
        ["cargo", "rustdoc", "--locked", "--quiet", "-p", "ltms-core", "--all-features",
         "--target-dir", str(TARGET), "--", "-Z", "unstable-options", "--output-format", "json"],
        cwd=ROOT, env={**os.environ, "RUSTC_BOOTSTRAP": "1"}, check=True,
    )
    # Without what every type has, and what is derived.
    return subprocess.run(
        ["cargo-public-api", "--rustdoc-json", str(TARGET / "doc" / "ltms_core.json"), "-sss"],
        stdout=subprocess.PIPE, text=True, check=True,
    ).stdout


def main() -> int:
    if not shutil.which("cargo-public-api"):
        print("cargo-public-api is not installed; `make api` installs it")
        return SKIPPED
    now = listing()
    if "--write" in sys.argv[1:]:
        LISTING.parent.mkdir(exist_ok=True)
        LISTING.write_text(now)
        return 0
    before = LISTING.read_text()
    changes = difflib.unified_diff(
        before.splitlines(), now.splitlines(), "checked in", "now", lineterm="", n=0
    )
    print("\n".join(changes) or f"{len(now.splitlines())} public items as listed")
    if now != before:
        print("The surface of core moved: `make api` writes the listing.")
    return int(now != before)


if __name__ == "__main__":
    sys.exit(main())
