"""Which port is whose, and who holds one that we need."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from codeqr_local import proc
from codeqr_local.errors import StackError

LOOPBACK = "127.0.0.1"
_LISTEN = "0A"

OFFSETS: Mapping[str, int] = {
    "gateway": 0,
    "redirector": 1,
    "kafka": 2,
    "kafka-controller": 3,
    "postgres": 4,
    "redis": 5,
    "gateway-admin": 6,
    "link-api": 10,
    "link-api-internal": 11,
    "link-api-admin": 12,
    "outbox-relay-admin": 13,
    "counters-admin": 14,
    "analytics": 20,
    "analytics-internal": 21,
    "analytics-admin": 22,
    "webhooks": 30,
    "webhooks-internal": 31,
    "webhooks-admin": 32,
    "redirector-admin": 40,
    "sender-admin": 60,
}
"""Offset from CODEQR_PORT_BASE; the last two are the first of a row, one for each redirector."""


@dataclass(frozen=True)
class Ports:
    """The ports of one stack."""

    base: int

    def __getitem__(self, name: str) -> int:
        return self.base + OFFSETS[name]

    def numbered(self, name: str, index: int) -> int:
        """The port of the index-th process of a row, e.g. `redirector-admin`."""
        return self[name] + index


def is_free(port: int) -> bool:
    """Whether a server could listen on the loopback port now (connections that linger do not count)."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def holder(port: int) -> tuple[int, str] | None:
    """Pid and program listening on the port, where this user may see it."""
    inodes = _listening_inodes(port)
    if not inodes:
        return None
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for pid in proc.pids():
        if wanted & _open_files(pid):
            return pid, proc.command_name(pid) or "?"
    return None


def _listening_inodes(port: int) -> set[str]:
    found = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = Path("/proc/net", table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTEN and int(fields[1].rsplit(":", 1)[1], 16) == port:
                found.add(fields[9])
    return found


def _open_files(pid: int) -> set[str]:
    found = set()
    try:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                found.add(str(descriptor.readlink()))
            except OSError:
                continue
    except OSError:
        return found
    return found


def describe_holder(port: int, name: str) -> str:
    """E.g. `port 8402 (kafka) is in use by java (pid 123)`."""
    who = holder(port)
    if who is None:
        return f"port {port} ({name}) is in use by a process that you may not see"
    return f"port {port} ({name}) is in use by {who[1]} (pid {who[0]})"


async def wait_free(wanted: Iterable[tuple[int, str]], seconds: float = 3.0) -> None:
    """Wait a moment for ports of a stack that just ended, then name every one still in use (StackError)."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    taken = [(port, name) for port, name in wanted if not is_free(port)]
    while taken and loop.time() < deadline:
        await asyncio.sleep(0.05)
        taken = [(port, name) for port, name in taken if not is_free(port)]
    if taken:
        lines = [describe_holder(port, name) for port, name in taken]
        lines.append("Stop what holds it, or choose other ports: CODEQR_PORT_BASE=9400 make up")
        raise StackError("\n".join(lines))
