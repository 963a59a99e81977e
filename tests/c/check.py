#!/usr/bin/env python3
"""Shows that libltms works from C.

1. include/ltms.h is what the sources say, and compiles as C99 and as C++17 without a warning.
2. The test programs of this folder pass: linked with the shared library, and with the static one
   under AddressSanitizer and UndefinedBehaviorSanitizer; under Valgrind where that is installed.
3. The vectors of tests/vectors were played, as many of each list as there are: all but what
   vectors.py names, because the core has no function for it.
4. The libraries have no symbols without the prefix.
5. What is installed can be found with pkg-config and CMake, where those are there, and the examples
   of ffi-c/README.md are built with it and run.
6. The C++ wrapper passes its test, where there is a C++ compiler.
7. The library for devices passes the same programs, and has no allocator, no unwinder, none of the
   formatting that a panic's message would bring, and no call of the panic handler but in what
   MAY_PANIC names.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import header
import vectors

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
OUT = TARGET / "ffi"
INCLUDE = ROOT / "include"
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
LIBRARIES = ["-lpthread", "-ldl", "-lm"]
PROGRAMS = ["misuse", "vectors", "chain", "scenarios", "gate", "sessions"]
# Those that play vectors, and say how many.
PLAYERS = ["vectors", "chain", "scenarios"]
VERSION = re.search(r'^version = "(.*)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
# Before 1.0, every minor version may break programs.
SONAME = f"libltms.so.{'.'.join(VERSION.split('.')[:2])}"


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
    output("cc", "-xc", "-std=c11", *WARNINGS, f"-I{INCLUDE}", "-fsyntax-only", HERE / "layout.h")
    declared = set(re.findall(r"^typedef struct (ltms_\w+) {", (INCLUDE / "ltms.h").read_text(), re.M))
    asserted = set(re.findall(r"sizeof\((ltms_\w+)\)", (HERE / "layout.h").read_text()))
    if declared != asserted:
        sys.exit(f"tests/c/layout.h says nothing of {declared ^ asserted}")
    print("include/ltms.h is up to date, and compiles as C99")
    print(f"the {len(declared)} public structs lie in C as they do in Rust")
    if shutil.which("c++"):
        output("c++", "-xc++", "-std=c++17", *WARNINGS, "-fsyntax-only", INCLUDE / "ltms.h")
        print("include/ltms.h compiles as C++17")
    else:
        print("C++: skipped, there is no c++")


def check_guide():
    """The code of the guide compiles, all of it as one program."""
    blocks = re.findall(r"^```c\n(.*?)^```", (ROOT / "docs" / "api-c.md").read_text(), re.M | re.S)
    if len(blocks) < 3:
        sys.exit("docs/api-c.md has no code")
    page = OUT / "api-c.c"
    page.write_text("\n".join(blocks))
    output("cc", "-std=c99", *WARNINGS, f"-I{INCLUDE}", "-fsyntax-only", page)
    print(f"docs/api-c.md: {len(blocks)} pieces of code compile")


def build():
    """Builds the libraries and lays them out as they are installed."""
    output("cargo", "build", "--locked", "--quiet", "-p", "ltms-ffi")
    for name, source in (("libltms.a", "libltms.a"), (SONAME, "libltms.so")):
        shutil.copy(TARGET / "debug" / source, OUT / name)
    (OUT / "libltms.so").unlink(missing_ok=True)
    (OUT / "libltms.so").symlink_to(SONAME)


def compiler(name):
    """How a program of this folder is compiled, but for the library."""
    return ["cc", "-std=c99", *WARNINGS, "-g", f"-I{INCLUDE}", f"-I{OUT}", f"-I{HERE}",
            HERE / f"{name}.c"]


def played(printed):
    """How many entries of each table a program says that it played."""
    return {table: int(count) for table, count in re.findall(r"^(\w+) (\d+)$", printed, re.M)}


def check_programs(counts):
    valgrind = shutil.which("valgrind")
    done = {"shared": {}, "static, sanitized": {}}
    for name in PROGRAMS:
        shared, sanitized = OUT / name, OUT / f"{name}-sanitized"
        output(*compiler(name), "-o", shared, f"-L{OUT}", "-lltms", f"-Wl,-rpath,{OUT}", *LIBRARIES)
        output(
            *compiler(name), "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-o",
            sanitized, OUT / "libltms.a", *LIBRARIES,
        )
        if "__asan_init" not in output("nm", sanitized):
            sys.exit(f"{sanitized} has no sanitizer")
        for form, program in (("shared", shared), ("static, sanitized", sanitized)):
            printed = output(program)
            done[form] |= played(printed) if name in PLAYERS else {}
            print(f"{name}, {form}: {printed.splitlines()[-1]}")
        if valgrind:
            output(valgrind, "--quiet", "--error-exitcode=9", "--leak-check=full", shared)
            print(f"{name}, Valgrind: no error, no leak")
    for form, tables in done.items():
        if tables != counts:
            sys.exit(f"{form}: not every vector was played: {tables.items() ^ counts.items()}")
    if not valgrind:
        print("Valgrind: skipped, it is not installed")


def check_skipping(counts):
    """A program that skips an entry of each table is noticed, and so is a file that nobody plays."""
    program = OUT / "vectors-skipping"
    output(*compiler("vectors"), "-DFIRST=1", "-o", program, OUT / "libltms.a", *LIBRARIES)
    done = played(subprocess.run([program], capture_output=True, text=True).stdout)
    if not done or any(count != counts[table] - 1 for table, count in done.items()):
        sys.exit(f"a program that skips entries says that it played {done}")
    more = {**header.MANIFEST, "more.json": {"entries": {"list": 1}}}
    if header.unread(more, header.READ, vectors.NOT_IN_C) != ["more.json list"]:
        sys.exit("a list that nobody plays is not noticed")
    print("a skipped entry and a skipped file are noticed")


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


def defined(library):
    """The global symbols of the library for devices, without those of the compiler's routines."""
    symbols, ours = set(), False
    listing = output("nm", "--defined-only", "--extern-only", library, stderr=subprocess.DEVNULL)
    for line in listing.splitlines():
        if line.endswith(":"):
            ours = line.startswith("ltms")
        elif ours and (symbol := re.fullmatch(r"[0-9a-f]+ [A-Z] (\S+)", line)):
            symbols.add(symbol[1])
    return symbols


def run_example(program, expected, how, **options):
    printed = output(program, **options)
    if expected not in printed:
        sys.exit(f"{program} printed\n{printed}")
    print(f"{program.name}, {how}: as expected")


def check_installed():
    prefix = OUT / "installed"
    shutil.rmtree(prefix, ignore_errors=True)
    env = {**os.environ, "PREFIX": str(prefix), "DESTDIR": "", "LIBRARIES": str(TARGET / "debug")}
    output("sh", "dist/lib/install.sh", env=env)
    examples = ROOT / "ffi-c" / "examples"
    found = {**os.environ, "LD_LIBRARY_PATH": str(prefix / "lib"),
             "PKG_CONFIG_PATH": str(prefix / "lib" / "pkgconfig")}
    flags = [f"-I{prefix}/include"]
    shared, static = [f"-L{prefix}/lib", "-lltms"], [prefix / "lib" / "libltms.a", *LIBRARIES]
    if shutil.which("pkg-config"):
        flags = output("pkg-config", "--cflags", "ltms", env=found).split()
        shared = output("pkg-config", "--libs", "ltms", env=found).split()
        if output("pkg-config", "--modversion", "ltms", env=found).strip() != VERSION:
            sys.exit("pkg-config tells another version")
    else:
        print("pkg-config: skipped, it is not installed")
    stream = OUT / "stream"
    for how, libraries in (("shared", shared), ("static", static)):
        output("cc", "-std=c99", *WARNINGS, *flags, examples / "stream.c", "-o", stream, *libraries)
        run_example(stream, "disconnect peer 5 (too-soon)", how, env=found)
    if shutil.which("c++"):
        plain = ["c++", "-std=c++17", *WARNINGS, "-fno-exceptions", "-fno-rtti", *flags]
        tickets, wrapper = OUT / "tickets", OUT / "wrapper"
        output(*plain, examples / "tickets.cpp", "-o", tickets, *shared)
        run_example(tickets, "signer 5: invalid-signature\nsigner 6: new", "C++", env=found)
        sanitize = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
        output("c++", "-std=c++17", *WARNINGS, *flags, *sanitize, HERE / "wrapper.cpp", "-o", wrapper,
               *static)
        print(f"wrapper, static, sanitized: {output(wrapper).splitlines()[-1]}")
    if shutil.which("cmake"):
        build = OUT / "cmake"
        shutil.rmtree(build, ignore_errors=True)
        output("cmake", "-S", HERE, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}")
        output("cmake", "--build", build)
        run_example(build / "stream", "disconnect peer 5 (too-soon)", "CMake", env=found)
        run_example(build / "stream-static", "disconnect peer 5 (too-soon)", "CMake, static")
    else:
        print("CMake: skipped, it is not installed")


# Functions of the library for devices that may call the panic handler, as far as the compiler sees,
# by a part of their name, and why.
MAY_PANIC = {
    "crypto_bigint7modular7safegcd": "the inversion that k256 uses; its limbs are of one length",
    "wnaf": "the multiplication that k256 uses; its tables are as long as its windows say",
    # Into which a compiler may put that multiplication.
    "ltms_core7schnorr12VerifyingKey6verify": "as above",
}


def may_panic(library):
    """The functions that call the panic handler, but for core's own that lead there."""
    calls, caller = {}, None
    listing = output("objdump", "-dr", "--no-show-raw-insn", library, stderr=subprocess.DEVNULL)
    for line in listing.splitlines():
        if begun := re.match(r"[0-9a-f]+ <(.+)>:$", line):
            caller = begun[1]
        elif called := re.search(r"\bR_\w+\s+(?:\.text\.)?(?:unlikely\.)?([\w.$]+)", line):
            calls.setdefault(caller, set()).add(called[1])
    ends = {name for called in calls.values() for name in called if "panick" in name}
    if not ends:
        sys.exit(f"{library} has no panic handler: is it the library?")
    while True:
        more = {caller for caller, called in calls.items() if called & ends} - ends
        # As the compiler's own library was compiled: expect_failed, slice_index_fail, …
        own = {name for name in more if name.startswith("_R") and "4core" in name}
        if not own:
            return {name for name in more if name.startswith(("_ZN", "ltms_", "_R"))}
        ends |= own


def check_bare(counts):
    output(
        "cargo", "rustc", "--locked", "--quiet", "-p", "ltms-ffi", "--lib", "--crate-type",
        "staticlib", "--no-default-features", "--profile", "bare", "--", "-D", "warnings",
    )
    library = TARGET / "bare" / "libltms.a"
    done = {}
    for name in PROGRAMS:
        program = OUT / f"{name}-bare"
        output(*compiler(name), "-DLTMS_BARE", "-o", program, library, "-lpthread")
        printed = output(program)
        done |= played(printed) if name in PLAYERS else {}
        print(f"{name}, for devices: {printed.splitlines()[-1]}")
    if done != counts:
        sys.exit(f"for devices: not every vector was played: {done.items() ^ counts.items()}")
    names = output("nm", library, stderr=subprocess.DEVNULL)
    for word in ("__rust_alloc", "__rg_alloc", "malloc", "_Unwind", "eh_personality", "Formatter"):
        if word in names:
            sys.exit(f"{library} has {word}")
    panicking = [name for name in may_panic(library) if not any(part in name for part in MAY_PANIC)]
    if panicking:
        sys.exit(f"{library} can panic in {panicking}")
    mangled = re.compile(r"ltms_|_R|_ZN|rust_|__rust")
    strangers = [name for name in defined(library) if not mangled.match(name)]
    if strangers:
        sys.exit(f"{library} has other symbols than its own: {strangers}")
    functions = {name for name in defined(library) if name.startswith("ltms_")}
    declared = set(re.findall(r"\b(ltms_\w+)\(", (INCLUDE / "ltms.h").read_text()))
    # What needs a heap.
    hosted = {"ltms_gate_new", "ltms_record_len", *(name for name in declared if "_replay_" in name)}
    if declared - functions != hosted:
        sys.exit(f"{library} lacks or has {(declared - functions) ^ hosted}")
    print(f"for devices: {len(functions)} functions, no allocator, no unwinder, no formatting")
    print("for devices: nothing of ours calls the panic handler")


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    check_header()
    check_guide()
    build()
    counts = vectors.write(OUT)
    check_programs(counts)
    print(f"{sum(counts.values())} vectors of {len(counts)} lists were played")
    check_skipping(counts)
    check_symbols()
    check_installed()
    check_bare(counts)


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    main()
