"""Starting child processes, reading what they say, and learning of every death, orphans' too."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from codeqr_local import proc
from codeqr_local.errors import StackError
from codeqr_local.privileges import User, adopt_orphans, child_setup

LineSink = Callable[[str], None]
_LINE_LIMIT = 1 << 20


class Child:
    """A running process. exited: resolves to its exit status (negative: the signal that ended it)."""

    def __init__(self, popen: subprocess.Popen[bytes], exited: asyncio.Future[int]) -> None:
        self.popen = popen
        self.pid = popen.pid
        self.started = proc.start_time(popen.pid)
        self.exited = exited
        self.output: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        return not self.exited.done()

    def signal(self, number: int) -> None:
        """Send a signal unless the process has already been waited for (its pid may be another's by then)."""
        if self.is_running:
            proc.kill(self.pid, number)


class Children:
    """All children of the supervisor. Must be made and used on the main thread's event loop.

    The kernel ends a child when the *thread* that started it ends, hence the main thread. SIGCHLD is handled here
    alone, so neither asyncio's subprocesses nor Popen.wait may be used in this process.
    """

    def __init__(self) -> None:
        self._running: dict[int, Child] = {}
        self._loop = asyncio.get_running_loop()
        adopt_orphans()
        self._loop.add_signal_handler(signal.SIGCHLD, self._reap)

    def spawn(
        self,
        command: Sequence[str],
        on_line: LineSink,
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        death_signal: signal.Signals = signal.SIGKILL,
        user: User | None = None,
        text_input: bytes = b"",
    ) -> Child:
        """Start a program whose output goes to on_line, line by line. StackError if it cannot be started."""
        try:
            popen = subprocess.Popen(
                list(command),
                env=dict(environment) if environment is not None else None,
                cwd=folder,
                stdin=subprocess.PIPE if text_input else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                preexec_fn=child_setup(death_signal, user),
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise StackError(f"{command[0]} cannot be started: {error}") from error
        child = Child(popen, self._loop.create_future())
        self._running[popen.pid] = child
        child.output = self._loop.create_task(_read_lines(popen, on_line))
        if popen.stdin:
            popen.stdin.write(text_input)
            popen.stdin.close()
        self._reap()  # it may have ended before it was known here
        return child

    async def run(
        self,
        command: Sequence[str],
        on_line: LineSink,
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        user: User | None = None,
        text_input: bytes = b"",
    ) -> int:
        """Run a program to its end; gives its exit status. Cancelled: it is killed."""
        child = self.spawn(command, on_line, environment=environment, folder=folder, user=user, text_input=text_input)
        try:
            status = await asyncio.shield(child.exited)
            if child.output:
                await child.output
            return status
        finally:
            child.signal(signal.SIGKILL)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                break
            child = self._running.pop(pid, None)
            if child is not None:
                child.popen.returncode = os.waitstatus_to_exitcode(status)
                if not child.exited.done():
                    child.exited.set_result(child.popen.returncode)
        self.end_orphans()

    def end_orphans(self) -> None:
        """Kill processes that a dead child left behind: nobody else would, and they may hold what its successor needs.

        (After a `kill -9` of PostgreSQL's first process its backends live on and keep the shared memory.)
        """
        for pid in proc.child_pids(os.getpid()):
            if pid not in self._running:
                proc.kill(pid)


async def _read_lines(popen: subprocess.Popen[bytes], on_line: LineSink) -> None:
    """Pass complete lines on until the pipe is closed by all who hold it."""
    assert popen.stdout is not None  # noqa: S101
    reader = asyncio.StreamReader(limit=_LINE_LIMIT)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), popen.stdout
    )
    try:
        while True:
            try:
                line = await reader.readline()
            except ValueError:  # longer than the limit: what was read so far is dropped
                continue
            if not line:
                return
            on_line(line.decode(errors="replace").rstrip("\n"))
    finally:
        transport.close()
