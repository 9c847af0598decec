"""The processes under test: engines and load on one core, the service on the other."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

SERVICE_CORE, OTHER_CORE = "0", "1"
TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def engines(home: Path, port_base: int) -> Iterator[dict[str, Any]]:
    """PostgreSQL and Redis of a local stack, with the newest schema. Gives what `codeqr env` says."""
    environment = {**os.environ, "CODEQR_HOME": str(home), "CODEQR_PORT_BASE": str(port_base)}
    codeqr = ["taskset", "-c", OTHER_CORE, sys.executable, "-m", "codeqr_local"]
    subprocess.run([*codeqr, "up", "--detach", "--only", "postgres,redis,migrate-links"], env=environment, check=True)
    try:
        shown = subprocess.run([*codeqr, "env", "--json"], env=environment, check=True, capture_output=True)
        yield json.loads(shown.stdout)
    finally:
        subprocess.run([*codeqr, "down"], env=environment, check=True)


@contextmanager
def service(command: list[str], environment: Mapping[str, str], port: int, ready: str) -> Iterator[int]:
    """A process on the service's core, from when `ready` (a path on `port`) answers. Gives its pid."""
    process = subprocess.Popen(["taskset", "-c", SERVICE_CORE, *command], env={**os.environ, **environment})
    try:
        wait_for(f"http://127.0.0.1:{port}{ready}", process)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Poll until the URL answers with anything but 5xx."""
    deadline = time.monotonic() + 60
    while True:
        try:
            if httpx.get(url, timeout=2).status_code < 500:
                return
        except httpx.HTTPError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"{url} does not answer")
        time.sleep(0.1)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
