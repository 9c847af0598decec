"""A few processes that draw, so that pictures neither hold up the event loop nor take the API's core.

What stands where when a process dies: a worker's drawing is drawn again by a new one; with the API its workers end.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process

import msgspec

from codeqr_common.logs import get_logger
from codeqr_common.metrics import Counter
from link_api.qr.draw import Refused
from link_api.qr.drawing import Drawing
from link_api.qr.worker import FILE, LENGTH, REFUSED

log = get_logger(__name__)
ATTEMPTS = 3
"""Workers that a drawing may see die before it is given up: it may be what kills them."""
WORKERS_LOST = Counter("codeqr_link_api_qr_workers_lost_total", "Drawing processes that died or were too slow.")


class Busy(Exception):
    """As many pictures wait as may."""


class TooSlow(Exception):
    """The picture was not there in time."""


class DrawingFailed(Exception):
    """Our fault; the message has the traceback."""


class WorkerDied(Exception):
    """A worker could not be started, or ended before it answered."""


class DrawingPool:
    """Draws in up to `workers` processes, started when they are needed.

    `waiting`: how many drawings may wait for a worker. `limit_s`: seconds that one may wait, and again
    seconds that it may take.
    """

    def __init__(self, *, workers: int, waiting: int, limit_s: float) -> None:
        self._most = workers + waiting
        self._limit_s = limit_s
        self._taken = 0
        self._free = asyncio.Semaphore(workers)
        self._idle: list[_Worker] = []
        self._alive: set[_Worker] = set()

    async def draw(self, drawing: Drawing) -> bytes:
        """The file. Raises `Refused`, `Busy`, `TooSlow`, `WorkerDied` or `DrawingFailed`."""
        if self._taken >= self._most:
            raise Busy
        self._taken += 1
        try:
            async with asyncio.timeout(self._limit_s):
                await self._free.acquire()
            try:
                # A limit of its own: a worker must not be ended because its drawing had to wait for it.
                async with asyncio.timeout(self._limit_s):
                    return _file(await self._ask(msgspec.json.encode(drawing)))
            finally:
                self._free.release()
        except TimeoutError:
            raise TooSlow from None
        finally:
            self._taken -= 1

    @property
    def pids(self) -> set[int]:
        """Of the workers that live."""
        return {worker.pid for worker in self._alive}

    async def aclose(self) -> None:
        """End all workers."""
        gone = list(self._alive)
        for worker in gone:
            self._discard(worker)
        await asyncio.gather(*(worker.wait() for worker in gone))

    async def _ask(self, message: bytes) -> bytes:
        for _ in range(ATTEMPTS - 1):
            try:
                return await self._ask_one(message)
            except WorkerDied:
                continue
        return await self._ask_one(message)

    async def _ask_one(self, message: bytes) -> bytes:
        worker = self._idle_worker() or await self._new_worker()
        try:
            answer = await worker.ask(message)
        except BaseException as error:
            # Also when it is too late, or nobody waits any more: the answer would be taken for the next drawing's.
            self._lose(worker, type(error).__name__)
            raise
        self._idle.append(worker)
        return answer

    def _idle_worker(self) -> "_Worker | None":
        while self._idle:
            worker = self._idle.pop()
            if worker.is_alive:
                return worker
            self._lose(worker, "died while idle")
        return None

    async def _new_worker(self) -> "_Worker":
        try:
            worker = _Worker(await _start())
        except OSError as error:
            raise WorkerDied from error
        self._alive.add(worker)
        return worker

    def _lose(self, worker: "_Worker", reason: str) -> None:
        WORKERS_LOST.inc()
        log.warning("drawing process lost", pid=worker.pid, reason=reason)
        self._discard(worker)

    def _discard(self, worker: "_Worker") -> None:
        worker.kill()
        self._alive.discard(worker)


class _Worker:
    """One process, asked one thing at a time."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None  # noqa: S101 - both are pipes
        assert process.stdout is not None  # noqa: S101
        self._process = process
        self._requests, self._answers = process.stdin, process.stdout

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it lives as far as the event loop knows."""
        return self._process.returncode is None and not self._requests.is_closing()

    async def ask(self, message: bytes) -> bytes:
        """The answer to a message. Raises `WorkerDied`."""
        if not self.is_alive:
            raise WorkerDied
        try:
            self._requests.write(LENGTH.pack(len(message)) + message)
            await self._requests.drain()
            length = LENGTH.unpack(await self._answers.readexactly(LENGTH.size))[0]
            return await self._answers.readexactly(length)
        except (OSError, asyncio.IncompleteReadError) as error:
            raise WorkerDied from error

    def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()

    async def wait(self) -> None:
        await self._process.wait()


async def _start() -> Process:
    # A fresh interpreter, not a fork: it has none of our sockets, and little in memory. Its errors go to our log.
    return await asyncio.create_subprocess_exec(sys.executable, "-m", "link_api.qr.worker", stdin=PIPE, stdout=PIPE)


def _file(answer: bytes) -> bytes:
    kind, rest = answer[:1], answer[1:]
    if kind == FILE:
        return rest
    text = rest.decode()
    raise Refused(text) if kind == REFUSED else DrawingFailed(text)
