"""Brings processes and steps up in the order of their dependencies, keeps them up, and takes them down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from codeqr_local.children import Children, LineSink
from codeqr_local.errors import StackError, StartFailed
from codeqr_local.process import ProcessSpec, Step, StopStage
from codeqr_local.state import ProcessState
from codeqr_local.supervised import Supervised

_START_LIMIT_SECONDS = 300.0
_EARLY_DEATHS_LIMIT = 6
_SERVICES_STOP_SECONDS = 15.0
_ENGINES_STOP_SECONDS = 20.0


class Supervisor:
    """on_line(name, line) takes what processes write, tell(text) what the supervisor has to say.

    changed() is called after every change of a process's state.
    """

    def __init__(
        self,
        specs: Sequence[ProcessSpec],
        steps: Sequence[Step],
        *,
        on_line: Callable[[str, str], None],
        tell: LineSink,
        changed: Callable[[], None],
    ) -> None:
        self._children = Children()
        self._on_line = on_line
        self._tell = tell
        self._steps = steps
        self._processes = {
            spec.name: Supervised(spec, self._children, self._sink(spec.name), changed, tell) for spec in specs
        }
        self._done = {step.name: asyncio.Event() for step in steps}
        self._tasks: list[asyncio.Task[None]] = []

    def states(self) -> dict[str, ProcessState]:
        """Name → state, live objects."""
        return {name: process.state for name, process in self._processes.items()}

    def _sink(self, name: str) -> LineSink:
        return lambda line: self._on_line(name, line)

    async def start(self) -> None:
        """Return when everything is ready and done; StackError says what is not, and why."""
        self._check_dependencies()
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._keep(process), name=name) for name, process in self._processes.items()]
        self._tasks += [loop.create_task(self._carry_out(step), name=step.name) for step in self._steps]
        all_ready = loop.create_task(self._all_ready())
        guard = loop.create_task(self._guard_start())
        try:
            async with asyncio.timeout(_START_LIMIT_SECONDS):
                await asyncio.wait({all_ready, guard}, return_when=asyncio.FIRST_COMPLETED)
            if guard.done():
                guard.result()
        except TimeoutError:
            raise await self._missing(f"not ready after {_START_LIMIT_SECONDS:.0f} s") from None
        finally:
            all_ready.cancel()
            guard.cancel()

    async def watch(self) -> None:
        """Raise StackError as soon as a process is no longer supervised. To be called after `start`."""
        await asyncio.wait(self._tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in self._tasks:
            if task.done() and not task.cancelled() and (error := task.exception()):
                raise StackError(f"{task.get_name()} is no longer supervised: {error!r}") from error

    def _check_dependencies(self) -> None:
        known = self._processes.keys() | self._done.keys()
        wanted = {name for process in self._processes.values() for name in process.spec.after}
        wanted |= {name for step in self._steps for name in step.after}
        if unknown := wanted - known:
            raise StackError(f"needed, but not part of this stack: {', '.join(sorted(unknown))}")

    async def _await_all(self, names: Iterable[str]) -> None:
        for name in names:
            await (self._processes[name].ready if name in self._processes else self._done[name]).wait()

    async def _all_ready(self) -> None:
        await self._await_all((*self._processes, *self._done))

    async def _keep(self, process: Supervised) -> None:
        await self._await_all(process.spec.after)
        await process.keep_running()

    async def _carry_out(self, step: Step) -> None:
        await self._await_all(step.after)
        begun = asyncio.get_running_loop().time()
        await step.run(self._children, self._sink(step.name))
        self._done[step.name].set()
        self._tell(f"{step.name} done in {asyncio.get_running_loop().time() - begun:.1f} s")

    async def _guard_start(self) -> None:
        """Ends with StackError as soon as it is clear that the start cannot succeed."""
        while True:
            for task in self._tasks:
                if task.done() and not task.cancelled() and (error := task.exception()):
                    raise error
            for name, process in self._processes.items():
                if not process.ready.is_set() and process.early_deaths >= _EARLY_DEATHS_LIMIT:
                    raise StartFailed(f"{name} ended {process.early_deaths} times before it was ready", (name,))
            await asyncio.sleep(0.1)

    async def _missing(self, what: str) -> StartFailed:
        late = [process for process in self._processes.values() if not process.ready.is_set()]
        reasons = [f"  {process.spec.name}: {await process.why_not_ready()}" for process in late]
        undone = [name for name, done in self._done.items() if not done.is_set()]
        reasons += [f"  {name}: not done" for name in undone]
        return StartFailed("\n".join([f"{what}:", *reasons]), (*(process.spec.name for process in late), *undone))

    async def stop(self) -> None:
        """Stop stage by stage; within a stage all at once. Services share one limit, gateway and engines another."""
        loop = asyncio.get_running_loop()
        for task in self._tasks:
            if task.get_name() in self._done:
                task.cancel()
        begun = loop.time()
        ordered = sorted(self._processes.values(), key=lambda process: process.spec.stage)
        engines_begun: float | None = None
        for stage, group in groupby(ordered, key=lambda process: process.spec.stage):
            if stage >= StopStage.GATEWAY and engines_begun is None:
                engines_begun = loop.time()
            deadline = (
                begun + _SERVICES_STOP_SECONDS if engines_begun is None else engines_begun + _ENGINES_STOP_SECONDS
            )
            await asyncio.gather(*(process.stop(deadline - loop.time()) for process in group))
        await self._end_tasks()

    def kill(self) -> None:
        """End everything now."""
        for process in self._processes.values():
            process.kill()

    async def _end_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for process in self._processes.values():
            process.kill()
            process.state.status = "stopped"
        self._children.end_orphans()
