#!/usr/bin/env python3
"""Fuzzes one target with libFuzzer, on stable Rust; needs a C++ compiler.

    python3 fuzz/run.py TARGET [SECONDS]

It begins with the seeds of `cargo test` and with what earlier runs reached, which lies in
target/fuzz/reached/<target>/. An input that fails is kept in fuzz/artifacts/; it is run again by its path:
target/fuzz/<host>/release/<target> PATH.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

FUZZ = Path(__file__).resolve().parent
TARGET = FUZZ.parent / "target"
BUILD = TARGET / "fuzz"  # apart: every crate is built with the flags below
# What `cargo fuzz` asks of the compiler, too; stable takes these, but no sanitizer.
COVERAGE = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg",
    "fuzzing",
]
LONGEST = 12_000  # a little more than the largest message


def cargo(*args: str, **env: str) -> None:
    subprocess.run(["cargo", *args], cwd=FUZZ, env={**os.environ, **env}, check=True)


def host() -> str:
    about = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    return next(line.split()[1] for line in about.splitlines() if line.startswith("host:"))


def main() -> int:
    parser = argparse.ArgumentParser(description="Fuzz one target.")
    parser.add_argument("target", choices=sorted(path.stem for path in FUZZ.glob("fuzz_targets/*.rs")))
    parser.add_argument("seconds", nargs="?", type=int, default=60)
    args = parser.parse_args()

    reached, artifacts = BUILD / "reached" / args.target, FUZZ / "artifacts" / args.target
    for folder in (reached, artifacts):
        folder.mkdir(parents=True, exist_ok=True)
    cargo("run", "--locked", "--quiet", "--bin", "seeds", "--", args.target, str(reached),
          CARGO_TARGET_DIR=str(TARGET))
    # With a target named, the flags are not those of build scripts.
    triple = host()
    cargo("build", "--locked", "--release", "--target", triple, "--features", "libfuzzer",
          "--bin", args.target, CARGO_TARGET_DIR=str(BUILD), RUSTFLAGS=" ".join(COVERAGE))
    program = str(BUILD / triple / "release" / args.target)
    options = [f"-artifact_prefix={artifacts}/", f"-max_len={LONGEST}", "-timeout=10",
               f"-max_total_time={args.seconds}", "-print_final_stats=1"]
    return subprocess.run([program, *options, str(reached)]).returncode


if __name__ == "__main__":
    sys.exit(main())
