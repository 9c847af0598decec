"""A log file for each process, kept small by turning it over."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

_LIMIT_BYTES = 32 << 20


def folder(home: Path) -> Path:
    """Where the log files of the stack with this data folder are."""
    return home / "logs"


class LogFile:
    """Appends lines; at the limit the file becomes `<name>.log.1` and a new one is begun. Never synced, never raises.

    A line that cannot be written is lost (a full disk must not end the stack), and the next one is tried again.
    """

    def __init__(self, path: Path, limit_bytes: int = _LIMIT_BYTES) -> None:
        self._path = path
        self._limit = limit_bytes
        self._file: BinaryIO | None = None
        self._size = 0

    def write(self, line: str) -> None:
        """Add one line."""
        data = line.encode(errors="replace") + b"\n"
        with suppress(OSError):
            file = self._file or self._open()
            if self._size + len(data) > self._limit:
                file = self._turn_over()
            self._size += file.write(data)

    def close(self) -> None:
        """Close the file; another line would open it again."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()

    def _open(self) -> BinaryIO:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("ab", buffering=0)
        self._size = self._file.tell()
        return self._file

    def _turn_over(self) -> BinaryIO:
        self.close()
        with suppress(OSError):  # then it grows
            self._path.replace(self._path.with_name(self._path.name + ".1"))
        return self._open()


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
