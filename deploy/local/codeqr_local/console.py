"""Log lines for people: time, process, level, message; coloured by process on a terminal."""

from __future__ import annotations

import json
import queue
import re
import sys
import threading
import zlib
from typing import Any, TextIO

_RESET = "\x1b[0m"
_DIM = "\x1b[2m"
_BOLD = "\x1b[1m"
_LEVEL_COLOURS = {"debug": "\x1b[2m", "warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[1;31m"}
_NAME_COLOURS = tuple(f"\x1b[38;5;{code}m" for code in (39, 78, 214, 141, 203, 45, 112, 208, 176, 73, 149, 69))
_NAME_WIDTH = 14
_QUEUE_LINES = 10_000
_HIDDEN_FIELDS = frozenset(
    {"event", "message", "level", "timestamp", "time", "service", "instance", "logger", "source"}
)
_TROUBLE = re.compile(r"\b(ERROR|FATAL|PANIC|CRITICAL|Exception|Traceback)\b|\[(error|critical)\]")
_CLOCK_FIRST = re.compile(r"\d{4}-\d\d-\d\d[T ](\d\d:\d\d:\d\d(?:\.\d{3})?)Z?(?: UTC)? (.*)")


class Palette:
    """Colours, or none."""

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled

    def paint(self, text: str, code: str) -> str:
        return f"{code}{text}{_RESET}" if self.enabled else text

    def name(self, name: str) -> str:
        """A process name in its own colour, padded."""
        colour = _NAME_COLOURS[zlib.crc32(name.encode()) % len(_NAME_COLOURS)]
        return self.paint(name.ljust(_NAME_WIDTH), colour)

    def dim(self, text: str) -> str:
        return self.paint(text, _DIM)

    def bold(self, text: str) -> str:
        return self.paint(text, _BOLD)

    def level(self, text: str, level: str) -> str:
        return self.paint(text, _LEVEL_COLOURS[level]) if level in _LEVEL_COLOURS else text


class Console:
    """Writes lines from a thread of its own, so that a terminal that is stopped (Ctrl-S) stops no service.

    Lines beyond the queue are dropped; the log files have them all.
    """

    def __init__(self, stream: TextIO, palette: Palette) -> None:
        self.palette = palette
        self._stream = stream
        self._queue: queue.Queue[str | None] = queue.Queue(_QUEUE_LINES)
        self._thread = threading.Thread(target=self._write, name="console", daemon=True)
        self._thread.start()

    def line(self, text: str) -> None:
        """Print one line as it is."""
        try:
            self._queue.put_nowait(text)
        except queue.Full:
            pass

    def log(self, name: str, raw: str) -> None:
        """Print a line that a process wrote."""
        self.line(render(name, raw, self.palette))

    def close(self, seconds: float = 2.0) -> None:
        """Write out what is queued; gives up on a terminal that takes nothing."""
        try:
            self._queue.put(None, timeout=seconds)
        except queue.Full:
            return
        self._thread.join(seconds)

    def _write(self) -> None:
        while (text := self._queue.get()) is not None:
            try:
                self._stream.write(text + "\n")
                if self._queue.empty():
                    self._stream.flush()
            except (OSError, ValueError):  # nobody reads any more
                return


def make_console(colour: bool, stream: TextIO | None = None) -> Console:
    """A console on standard output, coloured if wanted and if it is a terminal."""
    target = stream or sys.stdout
    return Console(target, Palette(colour and target.isatty()))


def is_trouble(raw: str) -> bool:
    """Whether a line of an engine is worth showing among the services' lines."""
    return _TROUBLE.search(raw) is not None


def render(name: str, raw: str, palette: Palette) -> str:
    """One line for people from a line of a log file; JSON as written by our services is taken apart."""
    document = _json_object(raw)
    if document is None:
        timed = _CLOCK_FIRST.fullmatch(raw)
        clock, text = timed.groups() if timed else ("", raw)
        return f"{palette.dim(clock.ljust(12))} {palette.name(name)} {palette.dim('|')} {text}"
    level = str(document.get("level", "info")).lower()
    clock = str(document.get("timestamp", document.get("time", "")))[11:23].ljust(12)
    message = str(document.get("event", document.get("message", "")))
    fields = " ".join(
        f"{palette.dim(key + '=')}{_value(value)}" for key, value in document.items() if key not in _HIDDEN_FIELDS
    )
    shown_level = "" if level == "info" else palette.level(level.upper(), level) + " "
    return f"{palette.dim(clock)} {palette.name(name)} {palette.dim('|')} {shown_level}{message}  {fields}".rstrip()


def _json_object(raw: str) -> dict[str, Any] | None:
    if not raw.startswith("{"):
        return None
    try:
        document = json.loads(raw)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
