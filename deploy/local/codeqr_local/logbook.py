"""A log file for each process, kept small by turning it over."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

_LIMIT_BYTES = 32 << 20


def folder(home: Path) -> Path:
    """Where the log files of the stack with this data folder are."""
    return home / "logs"


class LogFile:
    """Appends lines; at the limit the file becomes `<name>.log.1` and a new one is begun. Never synced."""

    def __init__(self, path: Path, limit_bytes: int = _LIMIT_BYTES) -> None:
        self._path = path
        self._limit = limit_bytes
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = path.open("ab", buffering=0)
        self._size = self._file.tell()

    def write(self, line: str) -> None:
        """Add one line; a full disk loses the line, not the stack."""
        data = line.encode(errors="replace") + b"\n"
        if self._size + len(data) > self._limit:
            self._turn_over()
        try:
            self._size += self._file.write(data)
        except OSError:
            pass

    def close(self) -> None:
        self._file.close()

    def _turn_over(self) -> None:
        self._file.close()
        self._path.replace(self._path.with_name(self._path.name + ".1"))
        self._file = self._path.open("ab", buffering=0)
        self._size = 0


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a log file, [] if there is none."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - 400 * lines - 4096))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return text.splitlines()[-lines:]


def names(home: Path) -> list[str]:
    """Names of all processes that have a log."""
    return sorted(path.name.removesuffix(".log") for path in folder(home).glob("*.log"))


def path(home: Path, name: str) -> Path:
    """The log file of a process."""
    return folder(home) / f"{name}.log"
