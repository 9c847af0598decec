"""A running stack: the plan under supervision, its state file, its logs, and its orderly end."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from codeqr_local import credentials, logbook, plan, ports, proc, state, summary
from codeqr_local.console import Console, is_trouble
from codeqr_local.errors import StackError, StartFailed
from codeqr_local.settings import Settings
from codeqr_local.supervisor import Supervisor

SUPERVISOR = "supervisor"
_SHOWN_LINES = 20
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def lock(home: Path) -> IO[str]:
    """Make this process the only supervisor of the data folder; kept as long as the file is open."""
    home.mkdir(parents=True, exist_ok=True)
    file = (home / "lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        running = state.read(home)
        who = f" (pid {running.supervisor_pid})" if running and running.is_running else ""
        file.close()
        raise StackError(
            f"a stack with the data folder {home} is already running{who}: `make status` shows it, `make down` stops it"
        ) from None
    return file


class Stack:
    """One start of the stack, from `up` to its end."""

    def __init__(self, settings: Settings, only: frozenset[str], console: Console) -> None:
        self._settings = settings
        self._console = console
        self._begun = time.monotonic()
        self._credentials = credentials.load_or_make(settings.home)
        whole = plan.make(settings, self._credentials)
        self._plan = whole.only(only) if only else whole
        self._quiet = {spec.name for spec in self._plan.specs if spec.quiet}
        self._logs: dict[str, logbook.LogFile] = {}
        pid = os.getpid()
        self._state = state.StackState(supervisor_pid=pid, supervisor_started=proc.start_time(pid) or 0)
        self._state_is_written = True
        self._supervisor: Supervisor | None = None
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Start, stay until told to end, end. StackError when it cannot start or stay; all is stopped then, too."""
        home = self._settings.home
        end_remains(home)
        self._listen_to_signals()
        await ports.wait_free(self._plan.named_ports())
        self._supervisor = Supervisor(
            self._plan.specs, self._plan.steps, on_line=self._line, tell=self._tell, changed=self._write_state
        )
        self._state.processes = self._supervisor.states()
        self._write_state()
        try:
            if await self._start(self._supervisor):
                await self._stay(self._supervisor)
                self._tell("stopping")
        except StackError as error:
            self._state.message = str(error)
            self._show_logs_of(error)
            raise
        finally:
            await self._end(self._supervisor)

    async def _start(self, supervisor: Supervisor) -> bool:
        """True when ready, False when told to end before that."""
        starting = asyncio.create_task(supervisor.start())
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not starting.done():
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            return False
        starting.result()
        self._state.phase = "ready"
        self._state.seconds_to_ready = round(time.monotonic() - self._begun, 1)
        self._write_state()
        self._tell(f"ready in {self._state.seconds_to_ready:.1f} s")
        for line in summary.lines(self._state, self._console.palette):
            self._console.line(line)
        return True

    async def _stay(self, supervisor: Supervisor) -> None:
        """Return when told to end; StackError when a process would not be started again any more."""
        watching = asyncio.create_task(supervisor.watch())
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({watching, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()
        watching.cancel()
        await stopping

    async def _end(self, supervisor: Supervisor) -> None:
        self._state.phase = "failed" if self._state.message else "stopping"
        self._write_state()
        begun = time.monotonic()
        await supervisor.stop()
        self._tell(f"stopped in {time.monotonic() - begun:.1f} s")
        if self._state.phase == "failed":
            self._write_state()
        else:
            state.path(self._settings.home).unlink(missing_ok=True)
        for log in self._logs.values():
            log.close()

    def _show_logs_of(self, error: StackError) -> None:
        for name in error.processes if isinstance(error, StartFailed) else ():
            self._tell(f"the last lines of {name}:")
            for line in logbook.tail(logbook.path(self._settings.home, name), _SHOWN_LINES):
                self._tell(f"    {line}")

    def _listen_to_signals(self) -> None:
        for number in _SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._told_to_end)

    def _told_to_end(self) -> None:
        """The first time: in order. The second time: at once."""
        if self._stop.is_set() and self._supervisor:
            self._tell("killing everything")
            self._supervisor.kill()
        self._stop.set()

    def _write_state(self) -> None:
        self._state.environment = plan.shown_environment(self._plan, self._settings, self._credentials)
        self._state.internal = {
            "linkApiUrl": self._plan.addresses.link_api_internal,
            "analyticsUrl": self._plan.addresses.analytics_internal,
            "serviceToken": self._credentials.service_token,
        }
        try:
            state.write(self._settings.home, self._state)
        except OSError as error:  # a full disk: the processes matter more than what other commands see of them
            if self._state_is_written:
                self._state_is_written = False
                self._tell(f"ERROR the state cannot be written, other commands see an old one: {error}")
        else:
            self._state_is_written = True

    def _log(self, name: str) -> logbook.LogFile:
        if name not in self._logs:
            self._logs[name] = logbook.LogFile(logbook.path(self._settings.home, name))
        return self._logs[name]

    def _line(self, name: str, line: str) -> None:
        self._log(name).write(line)
        if name not in self._quiet or is_trouble(line):
            self._console.log(name, line)

    def _tell(self, text: str) -> None:
        now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        self._log(SUPERVISOR).write(f"{now} {text}")
        self._console.log("codeqr", f"{now} {text}")


def end_remains(home: Path, tell: Callable[[str], None] | None = None) -> None:
    """Kill processes of an earlier stack whose supervisor is dead (the kernel has nearly always done it already)."""
    earlier = state.read(home)
    if earlier is None or earlier.is_running:
        return
    for name, pid in earlier.living().items():
        if tell:
            tell(f"killing {name} (pid {pid}), left over from a stack whose supervisor died")
        proc.kill(pid)
