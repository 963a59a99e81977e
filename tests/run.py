#!/usr/bin/env python3
"""Runs every check of the project; the last line is `N passed, N failed`.

    python3 tests/run.py [STEP…]     all steps, or those named
    python3 tests/run.py --list      their names

A test of `cargo test` counts as one, every other step as one. What a step prints is kept in
target/test-logs/<step>.log, and its end is shown when it fails.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
LOGS = TARGET / "test-logs"
RANDOM = TARGET / "random-scenarios.json"
TAIL = 60  # lines of a failed step's output that are shown
CORE_FEATURES = ["", "alloc", "std", "serde", "alloc,std,serde"]
FAILED_TEST = re.compile(r"^test .* \.\.\. FAILED$", re.MULTILINE)
TEST_RESULT = re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed;", re.MULTILINE)
PYTHON = sys.executable
SKIPPED = 77  # the exit code of a step that cannot be done here; its last line says why


@dataclass
class Step:
    """Commands that are run in order until one fails."""

    name: str
    commands: list[list[str]]
    minutes: int = 15  # a step that hangs fails instead of blocking
    env: dict[str, str] = field(default_factory=dict)
    counts_tests: bool = False
    skip: str | None = None
    may_skip: bool = False


@dataclass
class Outcome:
    passed: int
    failed: int
    note: str = ""


def cargo(*args: str) -> list[str]:
    return ["cargo", *args]


def has_cargo(subcommand: str) -> bool:
    return subprocess.run(cargo(subcommand, "--version"), capture_output=True).returncode == 0


def oracles() -> list[Path]:
    """The reference programs; a leading underscore marks what they share."""
    return [path for path in sorted(ROOT.glob("tests/oracle/*.py")) if path.name[0] != "_"]


def steps() -> list[Step]:
    """All steps, the quick ones first."""
    deny = shutil.which("cargo-deny")
    fuzz = ["--locked", "--manifest-path", "fuzz/Cargo.toml"]
    # libFuzzer is C++; without a compiler for it only its programs are left out.
    libfuzzer = ["--features", "libfuzzer"] if shutil.which("c++") else []
    return [
        Step("runner", [[PYTHON, "-m", "unittest", "discover", "-s", "tests", "-p", "test_run.py"]]),
        Step(
            "fmt",
            [
                cargo("fmt", "--all", "--check"),
                cargo("fmt", "--manifest-path", "tests/no_std/Cargo.toml", "--check"),
                cargo("fmt", "--manifest-path", "tests/embedded/Cargo.toml", "--check"),
                cargo("fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"),
                cargo("fmt", "--manifest-path", "ffi-c/header/Cargo.toml", "--check"),
            ],
        ),
        Step("docs", [[PYTHON, "tests/docs.py"]]),
        *(Step(f"oracle-{path.stem}", [[PYTHON, str(path), "--check"]]) for path in oracles()),
        Step(
            "deny",
            [
                cargo("deny", "--locked", "--manifest-path", manifest, "check", "bans",
                      "licenses", "sources", "--hide-inclusion-graph")
                for manifest in ("Cargo.toml", "fuzz/Cargo.toml", "ffi-c/header/Cargo.toml")
            ],
            skip=None if deny else "cargo-deny is not installed; `make deny` installs it",
        ),
        Step(
            "clippy",
            [cargo("clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings")],
        ),
        Step(
            "features",
            [
                cargo("clippy", "--locked", "-p", "ltms-core", "--lib", "--no-default-features",
                      "--features", features, "--", "-D", "warnings")
                for features in CORE_FEATURES
            ],
        ),
        # The public items of core, as listed; its tool is installed by `make api`.
        Step("api", [[PYTHON, "tests/api.py"]], may_skip=True),
        Step("no_std", [[PYTHON, "tests/no_std/check.py"]]),
        Step("ffi", [[PYTHON, "tests/c/check.py"]]),
        Step(
            "doc",
            [cargo("doc", "--locked", "--workspace", "--no-deps")],
            env={"RUSTDOCFLAGS": "-D warnings"},
        ),
        Step(
            "test",
            [cargo("test", "--locked", "--workspace", "--no-fail-fast")],
            minutes=25,
            counts_tests=True,
        ),
        # A few seconds, and no look at times: that it still runs, and answers what it should.
        Step("load", [cargo("test", "--locked", "--workspace", "--bench", "load", "--", "--smoke")]),
        # The attacks in short, with a virtual clock and over sockets: every line that ours has to hold.
        Step(
            "siege",
            [
                cargo("run", "--locked", "--quiet", "-p", "ltms-siege", "--", "--quick",
                      "--check"),
                # Of ours less a rule, what the table says is missed.
                cargo("run", "--locked", "--quiet", "-p", "ltms-siege", "--", "--without",
                      "--check"),
                cargo("run", "--locked", "--quiet", "-p", "ltms-siege", "--bin", "sockets", "--",
                      "--quick"),
                cargo("run", "--locked", "--quiet", "-p", "ltms-siege", "--bin", "sockets", "--",
                      "--without"),
            ],
        ),
        Step("dashboard", [[PYTHON, "dist/grafana/dashboard.py", "--check"]]),
        Step("unit", [[PYTHON, "tests/unit.py"]], may_skip=True),
        # On an emulated device, whose tools it installs where it may.
        Step("embedded", [[PYTHON, "tests/embedded/run.py"]], may_skip=True),
        # With a real browser, which it installs where it may.
        Step("page", [[PYTHON, "tests/page/check.py"]], may_skip=True),
        # The wheel in an empty environment; its tools come from the package registry.
        Step("python", [[PYTHON, "py/check.py"]], may_skip=True),
        Step(
            "fuzz",
            [
                cargo("clippy", *fuzz, *libfuzzer, "--all-targets", "--", "-D", "warnings"),
                cargo("test", *fuzz),
            ],
            counts_tests=True,
        ),
        # A run has to fail or pass twice alike: its seed is fixed. `make scenarios` draws fresh ones.
        Step(
            "scenarios",
            [
                [PYTHON, "tests/oracle/gate.py", "--random", "1", "1000", str(RANDOM)],
                cargo("test", "--locked", "--workspace", "--test", "scenarios"),
            ],
            env={"LTMS_SCENARIOS": str(RANDOM)},
            counts_tests=True,
        ),
    ]


def run(step: Step, log_path: Path) -> tuple[bool, str]:
    """Whether every command of the step succeeded, and why not."""
    deadline = time.monotonic() + step.minutes * 60
    env = {**os.environ, "CARGO_TARGET_DIR": str(TARGET), "CARGO_TERM_COLOR": "never", **step.env}
    with log_path.open("wb") as log:
        for command in step.commands:
            log.write(f"$ {' '.join(command)}\n".encode())
            log.flush()
            try:
                process = subprocess.Popen(
                    command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=log,
                    stderr=subprocess.STDOUT, start_new_session=True,
                )
            except OSError as error:
                return False, f"{command[0]}: {error.strerror}"
            try:
                code = process.wait(timeout=max(0.0, deadline - time.monotonic()))
            except BaseException as error:  # also Ctrl-C: leave no child behind
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                if isinstance(error, subprocess.TimeoutExpired):
                    return False, f"not done within {step.minutes} min"
                raise
            if code != 0:
                return False, f"exit code {code}"
    return True, ""


def judge(step: Step, succeeded: bool, why: str, output: str) -> Outcome:
    """What the step adds to the sum. A step that failed adds at least one failure."""
    if step.may_skip and why == f"exit code {SKIPPED}":
        return Outcome(0, 0, output.splitlines()[-1])
    if not step.counts_tests:
        return Outcome(int(succeeded), int(not succeeded), why)
    results = TEST_RESULT.findall(output)
    passed = sum(int(result[0]) for result in results)
    failed = sum(int(result[1]) for result in results)
    if not succeeded and failed == 0:
        return Outcome(passed, 1, why)
    if passed + failed == 0:
        return Outcome(0, 1, "ran no test")
    return Outcome(passed, failed, why)


def chosen(names: list[str]) -> list[Step]:
    known = steps()
    unknown = set(names) - {step.name for step in known}
    if unknown:
        sys.exit(f"unknown step: {', '.join(sorted(unknown))}; see --list")
    return [step for step in known if not names or step.name in names]


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the checks of the project.")
    parser.add_argument("step", nargs="*", help="only these steps")
    parser.add_argument("--list", action="store_true", help="print the names of the steps")
    args = parser.parse_args()
    todo = chosen(args.step)
    if args.list:
        print("\n".join(step.name for step in todo))
        return 0
    for component, package in (("fmt", "rustfmt"), ("clippy", "clippy")):
        if not has_cargo(component):
            sys.exit(f"{package} is missing: rustup component add {package}")

    LOGS.mkdir(parents=True, exist_ok=True)
    passed = failed = 0
    for step in todo:
        if step.skip:
            print(f"{step.name:<20} skipped: {step.skip}", flush=True)
            continue
        print(f"{step.name:<20} … ", end="", flush=True)
        start = time.monotonic()
        log_path = LOGS / f"{step.name}.log"
        succeeded, why = run(step, log_path)
        output = log_path.read_text(errors="replace")
        outcome = judge(step, succeeded, why, output)
        passed += outcome.passed
        failed += outcome.failed
        counts = f", {outcome.passed} passed, {outcome.failed} failed" if step.counts_tests else ""
        if not outcome.passed and not outcome.failed:
            print(f"skipped: {outcome.note}", flush=True)
            continue
        verdict = f"FAILED ({outcome.note})" if outcome.failed else "ok"
        print(f"{verdict}{counts}, {time.monotonic() - start:.1f} s", flush=True)
        if outcome.failed:
            lines = FAILED_TEST.findall(output) + output.splitlines()[-TAIL:]
            print("\n".join(f"    {line}" for line in lines))
            print(f"    (all of it: {os.path.relpath(log_path)})", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
