#!/usr/bin/env python3
"""Shows that libltms works from C.

1. include/ltms.h is what the sources say, and compiles as C99 and as C++17 without a warning.
2. The test programs of this folder pass: linked with the shared library, and with the static one
   under AddressSanitizer and UndefinedBehaviorSanitizer; under Valgrind where that is installed.
3. The vectors of tests/vectors were played, as many of each list as there are.
4. The libraries have no symbols without the prefix.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import vectors

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
OUT = TARGET / "ffi"
INCLUDE = ROOT / "include"
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
LIBRARIES = ["-lpthread", "-ldl", "-lm"]
PROGRAMS = ["misuse", "vectors", "gate"]
SONAME = "libltms.so.0.1"


def output(*command, **options):
    """What the command prints; ends the check when it fails."""
    command = [str(part) for part in command]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"failed: {' '.join(command)}\n{done.stdout}")
    return done.stdout


def check_header():
    output(
        "cargo", "run", "--locked", "--quiet", "--manifest-path", "ffi-c/header/Cargo.toml",
        "--target-dir", TARGET / "header", "--", "--check",
    )
    output("cc", "-xc", "-std=c99", *WARNINGS, "-fsyntax-only", INCLUDE / "ltms.h")
    print("include/ltms.h is up to date, and compiles as C99")
    if shutil.which("c++"):
        output("c++", "-xc++", "-std=c++17", *WARNINGS, "-fsyntax-only", INCLUDE / "ltms.h")
        print("include/ltms.h compiles as C++17")
    else:
        print("C++: skipped, there is no c++")


def build():
    """Builds the libraries and lays them out as they are installed."""
    output("cargo", "build", "--locked", "--quiet", "-p", "ltms-ffi")
    for name, source in (("libltms.a", "libltms.a"), (SONAME, "libltms.so")):
        shutil.copy(TARGET / "debug" / source, OUT / name)
    (OUT / "libltms.so").unlink(missing_ok=True)
    (OUT / "libltms.so").symlink_to(SONAME)


def check_programs(counts):
    valgrind = shutil.which("valgrind")
    for name in PROGRAMS:
        compile_ = ["cc", "-std=c99", *WARNINGS, "-g", f"-I{INCLUDE}", f"-I{OUT}", HERE / f"{name}.c"]
        shared, sanitized = OUT / name, OUT / f"{name}-sanitized"
        output(*compile_, "-o", shared, f"-L{OUT}", "-lltms", f"-Wl,-rpath,{OUT}", *LIBRARIES)
        output(
            *compile_, "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-o", sanitized,
            OUT / "libltms.a", *LIBRARIES,
        )
        if "__asan_init" not in output("nm", sanitized):
            sys.exit(f"{sanitized} has no sanitizer")
        for form, program in (("shared", shared), ("static, sanitized", sanitized)):
            printed = output(program)
            if name == "vectors":
                played = dict(line.split() for line in printed.splitlines() if "_" in line)
                if played != {list_: str(count) for list_, count in counts.items()}:
                    sys.exit(f"not every vector was played: {played}")
            print(f"{name}, {form}: {printed.splitlines()[-1]}")
        if valgrind:
            output(valgrind, "--quiet", "--error-exitcode=9", "--leak-check=full", shared)
            print(f"{name}, Valgrind: no error, no leak")
    if not valgrind:
        print("Valgrind: skipped, it is not installed")


def check_symbols():
    dynamic = output("nm", "-D", "--defined-only", OUT / "libltms.so").splitlines()
    names = [line.split()[-1] for line in dynamic]
    strangers = [name for name in names if not name.startswith("ltms_")]
    declared = set(re.findall(r"\b(ltms_\w+)\(", (INCLUDE / "ltms.h").read_text()))
    if strangers or set(names) != declared:
        sys.exit(f"libltms.so has other symbols than the header: {set(names) ^ declared}")
    print(f"libltms.so has the {len(names)} functions of the header, and nothing else")
    name = output("readelf", "-d", OUT / "libltms.so")
    if f"soname: [{SONAME}]" not in name:
        sys.exit("libltms.so has no name of its own")


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    check_header()
    build()
    counts = vectors.write(OUT / "vectors.h")
    check_programs(counts)
    print(f"{sum(counts.values())} vectors of {len(counts)} lists were played")
    check_symbols()


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    main()
