"""`codeqr logs`: the past of the log files and, if wanted, what is added from now on."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from codeqr_local import logbook
from codeqr_local.console import Palette, render
from codeqr_local.errors import StackError
from codeqr_local.settings import Settings

_POLL_SECONDS = 0.1


def show(settings: Settings, name: str, lines: int, *, follow: bool) -> None:
    """Print the last lines of one log or of all; with follow until interrupted."""
    palette = Palette(settings.colour and sys.stdout.isatty())
    chosen = _chosen(settings, name)
    followed = [_Followed(settings.home, each) for each in chosen]
    for each in chosen:
        for line in logbook.tail(logbook.path(settings.home, each), lines):
            print(render(each, line, palette))
    while follow:
        sys.stdout.flush()
        for log in followed:
            for line in log.fresh():
                print(render(log.name, line, palette))
        time.sleep(_POLL_SECONDS)


def _chosen(settings: Settings, name: str) -> list[str]:
    known = logbook.names(settings.home)
    if not known:
        raise StackError(f"there are no logs in {logbook.folder(settings.home)}: `make up` starts a stack")
    if not name:
        return known
    if name not in known:
        raise StackError(f"there is no log of {name!r}; there are {', '.join(known)}")
    return [name]


class _Followed:
    """Reads what is added to a log file, also after it was turned over."""

    def __init__(self, home: Path, name: str) -> None:
        self.name = name
        self._path = logbook.path(home, name)
        self._file = self._path.open("rb")
        self._file.seek(0, 2)
        self._rest = b""

    def fresh(self) -> list[str]:
        """Whole lines added since the last call."""
        data = self._rest + self._file.read()
        if not data and self._turned_over():
            self._file.close()
            self._file = self._path.open("rb")
            data = self._file.read()
        *whole, self._rest = data.split(b"\n")
        return [line.decode(errors="replace") for line in whole]

    def _turned_over(self) -> bool:
        try:
            return self._path.stat().st_ino != self._identity()
        except OSError:
            return False

    def _identity(self) -> int:
        return os.fstat(self._file.fileno()).st_ino
