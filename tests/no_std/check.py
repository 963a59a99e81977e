#!/usr/bin/env python3
"""Shows that ltms-core needs no std: on this machine, on a bare one, and in what it depends on.

1. This folder's crate becomes a static library with its own panic handler and, without the
   `alloc` feature, no allocator; a C program links it and runs it.
2. It is built for every bare-metal target that is installed.
3. What core depends on, for a bare-metal target, is what allowed-crates.txt says and explains.
"""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "no_std"
FEATURES = ["", "alloc", "serde", "alloc,serde"]
# Need not be installed: only its `cfg`s are asked for.
BARE_METAL = "thumbv7em-none-eabi"


def output(*command: str) -> str:
    """What the command prints; ends the check when it fails."""
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"failed: {' '.join(command)}")
    return done.stdout


def build(features: str, target: str | None = None) -> Path:
    """Builds the static library and returns its path."""
    # The very versions that the workspace is tested with, without a second lock file to keep.
    shutil.copyfile(ROOT / "Cargo.lock", HERE / "Cargo.lock")
    output(
        "cargo", "rustc", "--manifest-path", str(HERE / "Cargo.toml"), "--target-dir", str(TARGET),
        "--features", features, *(["--target", target] if target else []), "--", "-D", "warnings",
    )
    return TARGET / (target or "") / "debug" / "libltms_no_std_check.a"


def check_host(features: str) -> None:
    library = build(features)
    program = TARGET / "no_std_check"
    output("cc", "-o", str(program), str(HERE / "main.c"), str(library))
    code = subprocess.run([program]).returncode
    if code != 0:
        sys.exit(f"features [{features}]: check {code} of src/lib.rs failed")
    print(f"features [{features}]: links without std and works on {platform.machine()}")


def check_bare_metal() -> None:
    installed = output("rustup", "target", "list", "--installed") if shutil.which("rustup") else ""
    for target in (name for name in installed.split() if "-none-" in name):
        for features in FEATURES:
            build(features, target)
        print(f"{target}: builds with every set of features")


def dependencies() -> set[str]:
    """What core, without features, depends on; build-time macros aside."""
    tree = output(
        "cargo", "tree", "--locked", "-p", "ltms-core", "--no-default-features", "--target",
        BARE_METAL, "--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}",
    )
    return {line.split()[0] for line in tree.splitlines() if line} - {"ltms-core"}


def check_dependencies() -> None:
    allowed = {}
    for line in (HERE / "allowed-crates.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, reason = line.partition(" ")
            if not reason.strip():
                sys.exit(f"allowed-crates.txt: {name} has no reason")
            allowed[name] = reason
    found = dependencies()
    for name in sorted(found - allowed.keys()):
        print(f"{name}: a new dependency of core; not in allowed-crates.txt")
    for name in sorted(allowed.keys() - found):
        print(f"{name}: in allowed-crates.txt, but core does not depend on it")
    if found != allowed.keys():
        sys.exit("allowed-crates.txt is not what core depends on")
    print(f"{len(found)} dependencies without std, as listed")


def main() -> None:
    check_dependencies()
    for features in FEATURES:
        check_host(features)
    check_bare_metal()


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    main()
