#!/usr/bin/env python3
"""Shows that libltms builds from vendored sources without a network: `make vendored`.

The sources that Cargo.lock names go into a folder, and the library is built with nothing but them:
an empty Cargo home, --offline and --locked. About 700 MB in target/vendored, removed at the end.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "vendored"
CARGO = os.environ.get("CARGO", "cargo")


def cargo(*arguments, **more):
    done = subprocess.run([CARGO, *map(str, arguments)], cwd=ROOT, stdout=subprocess.DEVNULL,
                          env={**os.environ, **more})
    if done.returncode != 0:
        sys.exit(f"failed: cargo {arguments[0]}")


def main():
    shutil.rmtree(WORK, ignore_errors=True)
    crates, home, target = WORK / "crates", WORK / "home", WORK / "target"
    home.mkdir(parents=True)
    try:
        cargo("vendor", "--locked", "--quiet", "--versioned-dirs", crates)
        config = ['source.crates-io.replace-with="vendored"', f'source.vendored.directory="{crates}"']
        cargo("build", "--offline", "--locked", "--quiet", "-p", "ltms-ffi", "--target-dir", target,
              "--config", config[0], "--config", config[1], CARGO_HOME=str(home))
        built = target / "debug" / "libltms.a"
        if not built.is_file() or (home / "registry").exists():
            sys.exit("libltms was not built from the vendored sources alone")
        count = len(list(crates.iterdir()))
        print(f"libltms builds offline from the vendored sources of {count} packages")
    finally:
        shutil.rmtree(WORK, ignore_errors=True)


if __name__ == "__main__":
    main()
