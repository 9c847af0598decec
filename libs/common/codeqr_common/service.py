"""How a process of ours lives: admin listener first, then its tasks, then its listeners; and back in good order.

On SIGTERM or SIGINT: listeners stop taking and finish what they have, then the tasks are told to stop (each finishes
its batch, flushes, commits, closes). A task that fails or ends early ends the process, for its supervisor to restart.
"""

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
import uvloop

from codeqr_common import errors, logs, tracing
from codeqr_common.health import Readiness, admin_app
from codeqr_common.http.protocol import LimitedHttp
from codeqr_common.settings import Settings

log = logs.get_logger(__name__)
Task = Callable[[asyncio.Event], Awaitable[None]]
DRAIN_S = 10
BACKLOG = 2048


@dataclass(frozen=True)
class Listener:
    """An ASGI application on a port. With `reuse_port`, several processes share the port."""

    app: Any
    host: str
    port: int
    reuse_port: bool = False
    http: Any = LimitedHttp


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: this module decides when a listener stops."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def configure(service: str, settings: Settings) -> None:
    """Logs, traces and error pages of this process. Call it first."""
    logs.configure(service, settings)
    tracing.configure(service, settings.instance or service)
    errors.set_docs_base(settings.docs_base)


def main(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a process to its end under uvloop; its exit status is 1 when a task failed."""
    try:
        uvloop.run(coroutine)
    except ServiceFailed as error:
        log.error("process ends", reason=str(error))
        sys.exit(1)


class ServiceFailed(Exception):
    """A task of this process failed or ended early."""


async def run(
    settings: Settings,
    *,
    listeners: Sequence[Listener] = (),
    tasks: Mapping[str, Task] | None = None,
    readiness: Readiness,
) -> None:
    """Run until a signal asks to stop. Raises `ServiceFailed` when a task ended before that."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)

    admin = await _start(Listener(admin_app(readiness), settings.host, settings.admin_port))
    stop = asyncio.Event()
    running = {name: asyncio.ensure_future(task(stop)) for name, task in (tasks or {}).items()}
    servers = [await _start(listener) for listener in listeners]
    gc.collect()
    gc.freeze()  # what is there now stays: no need to look through it again and again
    log.info("started", pid=os.getpid(), ports=[listener.port for listener in listeners])

    failed = await _until_asked_or_failed(asked, running)
    log.info("stopping", reason=failed or "asked to")
    await asyncio.gather(*(server.close() for server in servers))
    stop.set()
    results = await asyncio.gather(*running.values(), return_exceptions=True)
    for name, result in zip(running, results, strict=True):
        if isinstance(result, BaseException):
            log.error("task failed", task=name, exc_info=result)
    await admin.close()
    await asyncio.to_thread(tracing.shut_down)
    log.info("stopped")
    if failed:
        raise ServiceFailed(failed)


async def _until_asked_or_failed(asked: asyncio.Event, running: Mapping[str, asyncio.Future[None]]) -> str | None:
    signal_came = asyncio.ensure_future(asked.wait())
    waited: list[asyncio.Future[Any]] = [signal_came, *running.values()]
    await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    if signal_came.done():
        return None
    signal_came.cancel()
    return ", ".join(f"task {name} ended" for name, task in running.items() if task.done())


class _Running:
    def __init__(self, server: _Server, task: asyncio.Task[None]) -> None:
        self._server = server
        self._task = task

    async def close(self) -> None:
        self._server.should_exit = True
        await self._task


async def _start(listener: Listener) -> _Running:
    config = uvicorn.Config(
        listener.app,
        http=listener.http,
        loop="uvloop",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_S,
        timeout_keep_alive=75,
        lifespan="auto",
        proxy_headers=False,
    )
    server = _Server(config)
    sock = _bind(listener)
    task = asyncio.get_running_loop().create_task(server.serve(sockets=[sock]))
    while not server.started:
        if task.done():
            await task
            raise ServiceFailed(f"the listener on port {listener.port} did not start")
        await asyncio.sleep(0.005)
    return _Running(server, task)


def _bind(listener: Listener) -> socket.socket:
    family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if listener.reuse_port:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind((listener.host, listener.port))
    sock.listen(BACKLOG)
    sock.setblocking(False)
    return sock
