"""One process that is kept running: start, readiness, restart with back-off, stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from codeqr_local.children import Child, Children, LineSink
from codeqr_local.errors import StackError
from codeqr_local.process import ProcessSpec
from codeqr_local.readiness import NotReady, wait_until
from codeqr_local.state import ProcessState

_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 10.0
_STEADY_SECONDS = 30.0
_LAST_WORDS_SECONDS = 0.5


class Backoff:
    """Pause before the next start: doubles with each early death, is short again after a steady run."""

    def __init__(self) -> None:
        self._pause = 0.0

    def next(self, ran_seconds: float) -> float:
        """Seconds to wait after a run that lasted that long."""
        if ran_seconds >= _STEADY_SECONDS or self._pause == 0.0:
            self._pause = _FIRST_PAUSE_SECONDS
        else:
            self._pause = min(self._pause * 2, _LONGEST_PAUSE_SECONDS)
        return self._pause


class Supervised:
    """A process under supervision. ready: set from the first time it was ready."""

    def __init__(
        self, spec: ProcessSpec, children: Children, on_line: LineSink, changed: Callable[[], None], tell: LineSink
    ) -> None:
        self.spec = spec
        self.state = ProcessState(ports=list(spec.ports))
        self.ready = asyncio.Event()
        self.early_deaths = 0
        self._children = children
        self._on_line = on_line
        self._changed = changed
        self._tell = tell
        self._child: Child | None = None
        self._stopping = False

    async def keep_running(self) -> None:
        """Start it, and again whenever it ends, until stop() is called. StackError: its first start is impossible."""
        loop = asyncio.get_running_loop()
        backoff = Backoff()
        while not self._stopping:
            begun = loop.time()
            ended = await self._run_once(begun)
            if self._stopping:
                break
            if not self.ready.is_set():
                self.early_deaths += 1
            self.state.restarts += 1
            self._set("restarting")
            pause = backoff.next(loop.time() - begun)
            self._tell(f"{self.spec.name} {ended}; starting it again in {pause:.1f} s")
            await asyncio.sleep(pause)
        self._set("stopped")

    async def _run_once(self, begun: float) -> str:
        """Run it to its end; gives how it ended, in words."""
        try:
            await self._prepare()
            if self._stopping:
                return "is stopped"
            child = self._spawn()
        except StackError as error:
            if not self.ready.is_set():
                raise
            return f"could not be started ({error})"
        watch = asyncio.create_task(self._watch_readiness(begun))
        try:
            status = await asyncio.shield(child.exited)
        finally:
            watch.cancel()
        await self._last_words(child)
        return f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"

    async def _prepare(self) -> None:
        if self.spec.prepare is None:
            return
        try:
            await self.spec.prepare(self._children, self._on_line)
        except OSError as error:
            raise StackError(f"{self.spec.name} cannot be prepared: {error}") from error

    def _spawn(self) -> Child:
        spec = self.spec
        child = self._children.spawn(
            spec.command,
            self._on_line,
            environment=spec.environment or None,
            folder=spec.folder,
            death_signal=spec.death_signal,
            user=spec.user,
        )
        self._child = child
        self.state.pid, self.state.started = child.pid, child.started
        self._set("starting")
        return child

    async def _watch_readiness(self, begun: float) -> None:
        await wait_until(self.spec.ready)
        self.state.seconds_to_ready = round(asyncio.get_running_loop().time() - begun, 2)
        first = not self.ready.is_set()
        self.ready.set()
        self._set("ready")
        verb = "ready" if first else "is back"
        self._tell(f"{self.spec.name} {verb} after {self.state.seconds_to_ready:.1f} s")

    async def _last_words(self, child: Child) -> None:
        """Its last lines belong before the news of its end; a grandchild that holds the pipe is not waited for."""
        if child.output:
            await asyncio.wait({child.output}, timeout=_LAST_WORDS_SECONDS)

    async def stop(self, seconds: float) -> None:
        """End it: its stop signal, then after that many seconds SIGKILL."""
        self._stopping = True
        child = self._child
        if child is None or not child.is_running:
            return
        child.signal(self.spec.stop_signal)
        done, _ = await asyncio.wait({child.exited}, timeout=max(seconds, 0.0))
        if not done:
            self._tell(f"{self.spec.name} did not stop in time and is killed")
            child.signal(signal.SIGKILL)
            await asyncio.wait({child.exited}, timeout=5.0)

    def kill(self) -> None:
        """End it now, for good."""
        self._stopping = True
        if self._child:
            self._child.signal(signal.SIGKILL)

    async def why_not_ready(self) -> str:
        """What its probe says now."""
        try:
            await self.spec.ready()
        except NotReady as reason:
            return str(reason)
        return "ready"

    def _set(self, status: str) -> None:
        self.state.status = status  # type: ignore[assignment]
        self._changed()
