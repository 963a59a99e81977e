#!/usr/bin/env python3
"""Asks systemd-analyze about dist/ltms.service: whether it is a unit, and how much it may do.

Where there is no systemd-analyze nothing is looked at, and the exit code is 77.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

UNIT = Path(__file__).resolve().parent.parent / "dist" / "ltms.service"
SKIPPED = 77  # as tests/run.py knows it
# Exposure in tenths, of 100: 1.3 is what a node needs that speaks to the whole internet.
THRESHOLD = 15


def analyze(*args: str) -> tuple[int, str]:
    done = subprocess.run(["systemd-analyze", *args], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def main() -> int:
    if not shutil.which("systemd-analyze"):
        print("systemd-analyze is not installed (Debian: systemd)")
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        # It looks whether what is started is there.
        command = Path(folder, "bin", "ltms")
        command.parent.mkdir()
        command.write_text("#!/bin/sh\n")
        command.chmod(0o755)
        unit = Path(folder, UNIT.name)
        text = UNIT.read_text()
        unit.write_text(text.replace("@PREFIX@", folder))
        code, said = analyze("verify", "--man=no", str(unit))
        if code or unit.name in said:
            print(f"systemd-analyze verify: {said}")
            return 1
        # A setting that it does not know has to be noticed, or the check is worth nothing.
        unit.write_text(unit.read_text() + "\n[Service]\nProtectEverything=yes\n")
        code, said = analyze("verify", "--man=no", str(unit))
        if "ProtectEverything" not in said:
            print(f"systemd-analyze verify noticed nothing: {said}")
            return 1
        unit.write_text(text.replace("@PREFIX@", folder))
        code, said = analyze("security", "--offline=true", f"--threshold={THRESHOLD}", str(unit))
        print(said.strip().splitlines()[-1] if said.strip() else "systemd-analyze security said nothing")
        return 1 if code else 0


if __name__ == "__main__":
    sys.exit(main())
