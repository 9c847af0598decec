"""Starting and stopping a stack from the command line."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time

from codeqr_local import logbook, ports, proc, state
from codeqr_local.console import Console, make_console
from codeqr_local.errors import StackError
from codeqr_local.settings import Settings
from codeqr_local.stack import SUPERVISOR, Stack, end_remains, lock
from codeqr_local.summary import lines as summary_lines

_POLL_SECONDS = 0.05
_STOP_LIMIT_SECONDS = 45.0


def start(settings: Settings, only: frozenset[str]) -> None:
    """Run the stack in this process until it is told to end."""
    held = lock(settings.home)
    console = make_console(settings.colour)
    try:
        asyncio.run(_run(settings, only, console))
    finally:
        console.close()
        held.close()


async def _run(settings: Settings, only: frozenset[str], console: Console) -> None:
    await Stack(settings, only, console).run()


def start_detached(settings: Settings, only: frozenset[str]) -> None:
    """Run the stack in a process of its own session; returns when it is ready, StackError when it fails."""
    lock(settings.home).close()
    log = logbook.path(settings.home, SUPERVISOR)
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "codeqr_local", "up"]
    if only:
        command += ["--only", ",".join(sorted(only))]
    with log.open("ab") as errors:
        position = errors.tell()
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True
        )
    try:
        _follow_start(settings, child, position)
    except KeyboardInterrupt:
        child.terminate()
        child.wait()
        raise


def _follow_start(settings: Settings, child: subprocess.Popen[bytes], position: int) -> None:
    """Show the supervisor's progress until it is ready or has ended."""
    console = make_console(settings.colour)
    log = logbook.path(settings.home, SUPERVISOR)
    try:
        while True:
            ended = child.poll()
            found = state.read(settings.home)
            with log.open("rb") as file:
                file.seek(position)
                fresh = file.read()
            whole = fresh[: fresh.rfind(b"\n") + 1]
            position += len(whole)
            for line in whole.decode(errors="replace").splitlines():
                console.log("codeqr", line)
            if ended is not None:
                raise StackError(f"the stack did not start; its logs are in {logbook.folder(settings.home)}")
            if found and found.supervisor_pid == child.pid and found.phase == "ready":
                break
            time.sleep(_POLL_SECONDS)
        for line in summary_lines(found, console.palette):
            console.line(line)
    finally:
        console.close()


def stop(settings: Settings) -> str:
    """End the stack and wait until its processes and ports are gone; gives what was done, in words."""
    found = state.read(settings.home)
    if found is None:
        return f"no stack is running with the data folder {settings.home}"
    if not found.is_running:
        end_remains(settings.home, print)
        state.path(settings.home).unlink(missing_ok=True)
        return f"no stack was running with the data folder {settings.home}; what was left of one is cleared away"
    begun = time.monotonic()
    proc.kill(found.supervisor_pid, signal.SIGTERM)
    _wait_gone(settings, found)
    return f"stopped in {time.monotonic() - begun:.1f} s"


def _wait_gone(settings: Settings, found: state.StackState) -> None:
    deadline = time.monotonic() + _STOP_LIMIT_SECONDS
    while found.is_running:
        found = state.read(settings.home) or found
        if time.monotonic() > deadline:  # its children die with it
            proc.kill(found.supervisor_pid, signal.SIGKILL)
            deadline = float("inf")
        time.sleep(_POLL_SECONDS)
    taken = {port for item in found.processes.values() for port in item.ports}
    limit = time.monotonic() + 10.0
    while found.living() or not all(ports.is_free(port) for port in taken):
        if time.monotonic() > limit:
            left = [ports.describe_holder(port, "left over") for port in taken if not ports.is_free(port)]
            raise StackError("\n".join(["something did not go away", *left]))
        time.sleep(_POLL_SECONDS)
