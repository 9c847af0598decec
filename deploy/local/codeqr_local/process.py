"""What the supervisor needs to know about a process or a one-time step."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from codeqr_local.children import Children, LineSink
from codeqr_local.privileges import User
from codeqr_local.readiness import Probe

Preparation = Callable[[Children, LineSink], Awaitable[None]]


class StopStage(IntEnum):
    """Stopping goes stage by stage: who feeds others stops before them, engines last."""

    REDIRECTOR = 0
    SENDER = 1
    SERVICE = 2
    GATEWAY = 3
    ENGINE = 4


@dataclass(frozen=True)
class ProcessSpec:
    """A process that is kept running.

    after: names of processes (ready) and steps (done) that come first; only for the first start, never for a restart.
    ports: those it will listen on. prepare: runs before every start. death_signal: what the kernel sends it when the
    supervisor dies.
    """

    name: str
    command: tuple[str, ...]
    ready: Probe
    stage: StopStage
    environment: Mapping[str, str] = field(default_factory=dict)
    after: frozenset[str] = frozenset()
    ports: tuple[int, ...] = ()
    folder: Path | None = None
    prepare: Preparation | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    user: User | None = None
    quiet: bool = False
    """Only errors of it are shown on the console; the log file has everything."""


@dataclass(frozen=True)
class Step:
    """Something done once at each start of the stack (a migration, topics); must be repeatable."""

    name: str
    run: Callable[[Children, LineSink], Awaitable[None]]
    after: frozenset[str] = frozenset()
