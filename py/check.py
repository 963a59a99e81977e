#!/usr/bin/env python3
"""Builds the wheel, installs it into an empty environment and tests it there.

    python3 py/check.py

What it needs besides Rust and Python comes from the package registry into target/python. Where
that cannot be reached, nothing is checked, and the exit code is 77.
"""

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / os.environ.get("CARGO_TARGET_DIR", "target")
WORK = TARGET / "python"
TOOLS = ["maturin==1.16.0", "matplotlib==3.10.3", "mypy==2.4.1"]
FREE_THREADED = "python3.14t"  # the first that the binding library supports without the GIL
FREE_THREADED_TAG = "cp314-cp314t"
SKIPPED = 77  # as tests/run.py knows it


def run(*command, **env):
    """Runs it in a folder where nothing of ours can be imported by accident."""
    print("$", *command, flush=True)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(part) for part in command]
    subprocess.run(command, cwd=WORK, env={**kept, **env}, check=True)


def python(environment):
    return environment / "bin" / "python"


def pip(environment, *args):
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    run(python(environment), "-m", "pip", "install", *quiet, *args)


def install(environment, wheel):
    pip(environment, "--no-index", "--no-deps", "--force-reinstall", wheel)


def tools():
    """The environment with the tools, made once; None if it cannot be."""
    environment, done = WORK / "tools", WORK / "tools.txt"
    if done.is_file() and done.read_text().split() == TOOLS:
        return environment
    try:
        venv.create(environment, with_pip=True, clear=True)
        pip(environment, *TOOLS)
    except (subprocess.CalledProcessError, OSError) as error:
        print(error)
        return None
    done.write_text("\n".join(TOOLS))
    return environment


def build(environment, *args):
    """The wheel, alone in its folder."""
    wheels = WORK / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    run(python(environment), "-m", "maturin", "build", "--locked", "--profile", "dev", "--quiet",
        "--manifest-path", HERE / "Cargo.toml", "--out", wheels, *args,
        CARGO_TARGET_DIR=str(TARGET))
    [wheel] = wheels.glob("*.whl")
    return wheel


def test(interpreter, wheel):
    """The tests, with that interpreter, in an environment that has the wheel and nothing else."""
    empty = WORK / "empty"
    run(interpreter, "-m", "venv", "--clear", empty)
    install(empty, wheel)
    run(python(empty), "-m", "unittest", "discover", "-s", HERE / "tests")


def check_free_threaded(wheel):
    """It is for that interpreter alone, and has what the other one has."""
    with zipfile.ZipFile(wheel) as content:
        names = content.namelist()
    compiled = [name for name in names if name.endswith(".so")]
    good = FREE_THREADED_TAG in wheel.name and len(compiled) == 1 and "314t" in compiled[0]
    if not good or not {"ltms/py.typed", "ltms/_ltms.pyi"} <= set(names):
        sys.exit(f"{wheel.name} is no wheel for {FREE_THREADED}: {names}")


def plot(environment):
    """The example's picture by matplotlib: a PNG of the size that it asks for."""
    picture = WORK / "flood.png"
    picture.unlink(missing_ok=True)
    run(python(environment), HERE / "examples" / "flood.py", picture, MPLBACKEND="Agg")
    head = picture.read_bytes()[:24]
    if head[:8] != b"\x89PNG\r\n\x1a\n" or int.from_bytes(head[16:20], "big") != 800:
        sys.exit(f"{picture} is no picture of 800 pixels")


def main():
    WORK.mkdir(parents=True, exist_ok=True)
    with_tools = tools()
    if with_tools is None:
        print("maturin, matplotlib and mypy cannot be installed with pip here")
        return SKIPPED
    wheel = build(with_tools)
    test(sys.executable, wheel)
    install(with_tools, wheel)
    run(python(with_tools), "-m", "mypy.stubtest", "ltms", MYPY_CACHE_DIR=str(WORK / "mypy"))
    run(python(with_tools), "-m", "mypy", "--strict", "--no-error-summary", "-p", "ltms")
    plot(with_tools)
    # maturin knows what such an interpreter is like, so that its wheel is built without one.
    free = build(with_tools, "--no-default-features", "--interpreter", FREE_THREADED)
    check_free_threaded(free)
    if interpreter := shutil.which(FREE_THREADED):
        test(interpreter, free)
    else:
        print(f"no {FREE_THREADED} here: {free.name} was built and not run")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"failed: {error}")
