"""What /proc tells about processes; absent processes give None or nothing, never an error."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")


def pids() -> Iterator[int]:
    """Every process this user may see."""
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            yield int(entry.name)


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the third (state) on; the second, a name in brackets, may hold spaces."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    return text[text.rindex(")") + 2 :].split()


def start_time(pid: int) -> int | None:
    """When the process started, in clock ticks since boot: with the pid it names one process for ever.

    None for a process that is gone, zombies included.
    """
    fields = _stat(pid)
    if fields is None or fields[0] in "ZX":
        return None
    return int(fields[19])


def parent(pid: int) -> int | None:
    """The parent's pid."""
    fields = _stat(pid)
    return int(fields[1]) if fields else None


def is_alive(pid: int, started: int) -> bool:
    """Whether that very process, not a later one with the same pid, still runs."""
    return start_time(pid) == started


def command_name(pid: int) -> str | None:
    """The short name of the program (15 characters at most)."""
    try:
        return (_PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return None


def working_folder(pid: int) -> Path | None:
    """The folder the process stands in, where this user may know it."""
    try:
        return (_PROC / str(pid) / "cwd").readlink()
    except OSError:
        return None


def resident_bytes(pid: int) -> int | None:
    """Memory in use (resident set)."""
    fields = _stat(pid)
    return int(fields[21]) * os.sysconf("SC_PAGE_SIZE") if fields else None


def child_pids(pid: int) -> list[int]:
    """Direct children, zombies too."""
    return [candidate for candidate in pids() if parent(candidate) == pid]


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    """Send a signal; a process that is gone is no error."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
