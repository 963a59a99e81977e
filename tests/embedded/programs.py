"""Builds the programs: the one in Rust, and the one in C with the library of ffi-c for devices."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import inputs

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OUT = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "embedded"
TARGET = "thumbv7m-none-eabi"

PACKAGES = ["rustc-web", "cargo-web", "rust-web-src", "lld", "qemu-system-arm",
            "gcc-arm-none-eabi"]
LIBRARY = Path("lib/rustlib/src/rust/library/core/Cargo.toml")
OLDEST = (1, 89)  # the compiler that the workspace asks for
# Field arithmetic of 32 bits, and SHA-256 as a loop: 4 and 6 KiB less.
FLAGS = ['--cfg cpubits="32"', '--cfg sha2_backend_soft="compact"', "-Clinker-flavor=ld.lld"]

C = "arm-none-eabi-gcc"
C_FLAGS = ["-std=c99", "-Os", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-mcpu=cortex-m3",
           "-mthumb", "-ffreestanding", "-ffunction-sections", "-fdata-sections", "-DLTMS_BARE"]


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
    for tool in ("ld.lld", "qemu-system-arm", C):
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


def cargo(*arguments: str) -> None:
    """Debian's, with a library of Rust's that is built for the target, for which it has no package."""
    prefix = f"CARGO_TARGET_{TARGET.upper().replace('-', '_')}"
    env = {name: value for name, value in os.environ.items()
           if name not in ("RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WRAPPER")}
    env |= {
        "RUSTC": "/usr/bin/rustc",
        "RUSTC_BOOTSTRAP": "1",
        "LTMS_INPUTS": str(OUT / "inputs.rs"),
        # Of the workspace's profile for devices; that of the program in Rust says it itself.
        "CARGO_PROFILE_BARE_OPT_LEVEL": "z",
        f"{prefix}_LINKER": "ld.lld",
        f"{prefix}_RUSTFLAGS": " ".join([*FLAGS, f"-Clink-arg=-T{HERE / 'link.ld'}"]),
    }
    subprocess.run(["/usr/bin/cargo", *arguments, "-Zbuild-std=core", "--target", TARGET,
                    "--target-dir", str(OUT)], env=env, check=True)


def in_rust(*features: str) -> Path:
    """The program in Rust."""
    OUT.mkdir(parents=True, exist_ok=True)
    inputs.write_rust(OUT / "inputs.rs")
    # The very versions that the workspace is tested with, without a second lock file to keep.
    shutil.copyfile(ROOT / "Cargo.lock", HERE / "Cargo.lock")
    cargo("build", "--release", "--manifest-path", str(HERE / "Cargo.toml"),
          "--features", ",".join(features))
    return OUT / TARGET / "release" / "ltms-embedded"


def in_c() -> Path:
    """The program in C."""
    OUT.mkdir(parents=True, exist_ok=True)
    inputs.write_c(OUT / "inputs.h")
    cargo("rustc", "--locked", "--manifest-path", str(ROOT / "Cargo.toml"), "-p", "ltms-ffi", "--lib",
          "--crate-type", "staticlib", "--no-default-features", "--profile", "bare")
    elf = OUT / "ltms-embedded-c"
    subprocess.run(
        [C, *C_FLAGS, f"-I{ROOT / 'include'}", f"-I{OUT}", *sorted(map(str, (HERE / "c").glob("*.c"))),
         str(OUT / TARGET / "bare" / "libltms.a"), "-nostdlib", "-lgcc", "-Wl,--gc-sections",
         "-Wl,--no-warn-rwx-segments", "-Wl,-z,noexecstack",
         f"-T{HERE / 'link.ld'}", "-o", str(elf)], check=True)
    return elf
