#!/usr/bin/env python3
"""Runs the core on an emulated Cortex-M3 with 64 KiB of RAM, and measures what it takes there.

    python3 tests/embedded/run.py            checks every answer and limit, prints the table
    python3 tests/embedded/run.py --write    and writes it to docs/embedded.md

The tools are Debian's; as root they are installed where they are missing. Where they are not and
cannot be, nothing is run, and the exit code is 77.
"""

import argparse
import os
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import inputs

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OUT = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "embedded"
PAGE = ROOT / "docs" / "embedded.md"
TARGET = "thumbv7m-none-eabi"
SKIPPED = 77  # as tests/run.py knows it

PACKAGES = ["rustc-web", "cargo-web", "rust-web-src", "lld", "qemu-system-arm"]
LIBRARY = Path("lib/rustlib/src/rust/library/core/Cargo.toml")
OLDEST = (1, 89)  # the compiler that the workspace asks for
# Field arithmetic of 32 bits, and SHA-256 as a loop: 4 and 6 KiB less.
FLAGS = ['--cfg cpubits="32"', '--cfg sha2_backend_soft="compact"', "-Clinker-flavor=ld.lld"]

# What the program has to say, each exactly once unless there are more: a reason's name or a number.
EXPECTED = {
    "instructions a step": 80,
    "signatures": 51,
    "signatures misjudged": 0,
    "proof holds": 1,
    "proof holds for another anchor": 0,
    "damaged proofs accepted": 0,
    "begins under another header": 0,
    "anchor": "clear",
    "time": 1_795_369_142_000,  # the anchor's own
    "connected": 1,
    "advertisement before the registration": "unknown-identity",
    "registration, links forged": "unknown-block",
    "registration, signature wrong": "invalid-signature",
    "identities": 0,
    "registration": "new",
    "registration again": "already-known",
    "advertisement of the identity": "new",
    "the same again": "already-known",
    "a second one too soon": "too-soon",
    "a stranger's": "new",
    "a stranger's, signature wrong": "invalid-signature",
    "a stranger's from elsewhere": "stranger-elsewhere",
    "expired": "expired",
    "two hours ahead, longest, delegated": "new",
    "further ahead": "future",
    "of an identity that nobody knows": "unknown-identity",
    "no advertisement": "malformed",
    "listed": 3,
    "banned": 1,
    "an older snapshot": 0,
    "a changed snapshot": 0,
    "identities restored": 1,
    "bans restored": 1,
    "it is later than before": 1,
    "the banned peer": "blacklisted",
    "a replay after the restart": "already-known",
    "newer anchor, other header": 0,
    "newer anchor": 1,
    "an advertisement of then": "new",
    "newer anchor without links": 1,
    "suspended": 1,
    "the crowd's tip": "clear",
    "identities in full tables": 24,
    "keys in full tables": 44,
    "bans in full tables": 32,
    "swept": 1,
    "identities restored to full tables": 24,
    "identities of a released version's snapshot": 4,
    "bans of a released version's snapshot": 4,
    "rows dropped of it": 1,
    "came through the crowd": 1,
}

KIB = 1024
# Bytes at most: RAM of the tiny profile, and the stack of the dearest checks.
SIZES = {"Gate with its tables": 16 * KIB}
STACKS = {"signature verified": 8 * KIB, "proof verified": 8 * KIB}
# The Gate's target is 96 KiB, which it misses (docs/embedded.md); it must not grow further.
FLASH, FLASH_OF_CHECKS = 160 * KIB, 32 * KIB


def newest_compiler() -> str | None:
    """Why Debian's compiler cannot be used; None if it can."""
    if not shutil.which("/usr/bin/rustc") or not shutil.which("/usr/bin/cargo"):
        return "no /usr/bin/rustc and cargo"
    said = subprocess.run(["/usr/bin/rustc", "--version"], capture_output=True, text=True).stdout
    version = re.match(r"rustc (\d+)\.(\d+)", said)
    if not version or tuple(map(int, version.groups())) < OLDEST:
        return f"/usr/bin/rustc is too old: {said.strip()}"
    root = subprocess.run(["/usr/bin/rustc", "--print", "sysroot"], capture_output=True, text=True)
    return None if (Path(root.stdout.strip()) / LIBRARY).is_file() else "no source of Rust's library"


def missing() -> str | None:
    for tool in ("ld.lld", "qemu-system-arm"):
        if not shutil.which(tool):
            return f"no {tool}"
    return newest_compiler()


def install() -> None:
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # QEMU's packages of another release would have to go: nobody's machine is changed like that.
    careful = [] if os.environ.get("CI") else ["--no-remove"]
    for command in (["update"], ["install", "-y", "--no-install-recommends", *careful, *PACKAGES]):
        print(f"$ apt-get {' '.join(command)}", flush=True)
        subprocess.run(["apt-get", "-q", *command], env=env, stdin=subprocess.DEVNULL)


def build(*features: str) -> Path:
    """Builds the program and returns its path."""
    OUT.mkdir(parents=True, exist_ok=True)
    inputs.write_rust(OUT / "inputs.rs")
    # The very versions that the workspace is tested with, without a second lock file to keep.
    shutil.copyfile(ROOT / "Cargo.lock", HERE / "Cargo.lock")
    prefix = f"CARGO_TARGET_{TARGET.upper().replace('-', '_')}"
    env = {name: value for name, value in os.environ.items()
           if name not in ("RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WRAPPER")}
    env |= {
        "RUSTC": "/usr/bin/rustc",
        # The library is built for the target, which Debian has no package for.
        "RUSTC_BOOTSTRAP": "1",
        "LTMS_INPUTS": str(OUT / "inputs.rs"),
        f"{prefix}_LINKER": "ld.lld",
        f"{prefix}_RUSTFLAGS": " ".join([*FLAGS, f"-Clink-arg=-T{HERE / 'link.ld'}"]),
    }
    subprocess.run(
        ["/usr/bin/cargo", "build", "--release", "-Zbuild-std=core", "--target", TARGET,
         "--manifest-path", str(HERE / "Cargo.toml"), "--target-dir", str(OUT),
         "--features", ",".join(features)],
        env=env, check=True)
    return OUT / TARGET / "release" / "ltms-embedded"


def sections(elf: Path) -> dict[str, int]:
    """Bytes of each section, by name."""
    data = elf.read_bytes()
    at, = struct.unpack_from("<I", data, 0x20)
    size, count, names = struct.unpack_from("<HHH", data, 0x2E)
    headers = [struct.unpack_from("<10I", data, at + size * n) for n in range(count)]
    strings = headers[names][4]
    name = lambda start: data[strings + start : data.index(0, strings + start)].decode()
    return {name(header[0]): header[5] for header in headers}


def emulate(elf: Path) -> str:
    """What the program prints; fails if it does not end well within its time."""
    # A nanosecond an instruction, so that the board's timer counts them.
    command = ["qemu-system-arm", "-machine", "lm3s6965evb", "-nographic", "-monitor", "none",
               "-serial", "none", "-icount", "shift=0", "-semihosting-config",
               "enable=on,target=native", "-kernel", str(elf)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=240)
    if done.returncode != 0:
        sys.exit(f"the program ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def reasons() -> dict[int, str]:
    """Names by code, as docs/wire.md has them."""
    table = re.findall(r"^\| (\d+) \| `([a-z-]+)` \|", (ROOT / "docs/wire.md").read_text(), re.M)
    return {int(code): name for code, name in table}


class Report:
    """What a program printed."""

    def __init__(self, text: str):
        self.answers: dict[str, list[int]] = {}
        self.costs: dict[str, tuple[int, int]] = {}
        self.sizes: dict[str, int] = {}
        for line in text.splitlines():
            if found := re.fullmatch(r"is (.+) (\d+)", line):
                self.answers.setdefault(found[1], []).append(int(found[2]))
            elif found := re.fullmatch(r"cost (.+) (\d+) (\d+)", line):
                self.costs[found[1]] = int(found[2]), int(found[3])
            elif found := re.fullmatch(r"size (.+) (\d+)", line):
                self.sizes[found[1]] = int(found[2])
        self.ended = text.splitlines()[-1:] == ["done"]

    def faults(self, flash: int, of_checks: int) -> list[str]:
        """What is not as it should be."""
        names, found = reasons(), []
        for name, expected in EXPECTED.items():
            said = self.answers.get(name, [])
            if isinstance(expected, str):
                said = [names.get(code, code) for code in said]
            if not said or set(said) != {expected}:
                found.append(f"{name}: {said or 'nothing'} instead of {expected}")
        found += [f"{name}: not expected" for name in self.answers.keys() - EXPECTED.keys()]
        measured = [(name, self.sizes.get(name), limit) for name, limit in SIZES.items()]
        measured += [(f"stack of {name}", self.costs.get(name, (None,))[0], limit)
                     for name, limit in STACKS.items()]
        for name, bytes_, limit in [*measured, ("flash", flash, FLASH),
                                    ("flash of checks", of_checks, FLASH_OF_CHECKS)]:
            if bytes_ is None or not 0 < bytes_ <= limit:
                found.append(f"{name}: {bytes_} bytes, at most {limit}")
        return found if self.ended else ["the program did not come to its end", *found]


def table(report: Report, flash: int, of_checks: int, ram: int) -> str:
    lines = ["| memory | bytes |", "|---|---|",
             f"| flash, signatures and proofs alone | {of_checks:,} |",
             f"| flash, with Gates and these tests | {flash:,} |",
             f"| static RAM, with two Gates and a snapshot | {ram:,} |"]
    lines += [f"| {name} | {size:,} |" for name, size in report.sizes.items()]
    lines += ["", "| call | stack, bytes | instructions |", "|---|---|---|"]
    lines += [f"| {name} | {stack:,} | {count:,} |" for name, (stack, count) in report.costs.items()]
    return "\n".join(lines)


def write(text: str) -> None:
    begin, end = "<!-- embedded: begin -->\n", "<!-- embedded: end -->"
    page = PAGE.read_text()
    head, _, rest = page.partition(begin)
    _, _, tail = rest.partition(end)
    PAGE.write_text(f"{head}{begin}{text}\n{end}{tail}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the core on an emulated Cortex-M3.")
    parser.add_argument("--write", action="store_true", help="write the table to docs/embedded.md")
    args = parser.parse_args()
    if missing():
        install()
    if why := missing():
        print(f"{why}: needs Debian's {', '.join(PACKAGES)}")
        return SKIPPED
    size = sections(build("checks-only"))
    of_checks = size[".text"] + size[".data"]
    elf = build()
    size = sections(elf)
    flash, ram = size[".text"] + size[".data"], size[".data"] + size[".bss"]
    text = emulate(elf)
    report = Report(text)
    print(table(report, flash, of_checks, ram))
    for fault in (faults := report.faults(flash, of_checks)):
        print(f"WRONG {fault}")
    if faults:
        print(text)
        return 1
    print(f"{len(EXPECTED)} answers as expected")
    if args.write:
        write(table(report, flash, of_checks, ram))
    return 0


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    sys.exit(main())
