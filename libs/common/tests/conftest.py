"""Shared by the tests of the common parts: a Redis server that can be stopped, killed and started again."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from codeqr_common.redis import connect
from codeqr_local.engines.redis import find_server

START_LIMIT_S = 10.0


class RedisServer:
    """A real server on a free port, that keeps nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Returns when it takes connections."""
        options = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(self._folder))
        command = [find_server(), "--port", str(self._port), *options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_LIMIT_S
        while not self._answers():
            assert time.monotonic() < deadline, "Redis did not start"
            time.sleep(0.01)

    def empty(self) -> None:
        """Make it run, with nothing in it."""
        if self._process is None:
            self.start()
        assert self._said(b"FLUSHALL\r\n") == b"+OK\r\n"
        assert self._said(b"SCRIPT FLUSH\r\n") == b"+OK\r\n"

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """It takes connections, and answers nothing."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._process.pid, signal.SIGCONT)

    def _answers(self) -> bool:
        try:
            return self._said(b"PING\r\n") == b"+PONG\r\n"
        except OSError:
            return False

    def _said(self, command: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self._port), 5) as connection:
            connection.sendall(command)
            return connection.recv(100)


@pytest.fixture(scope="session")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


@pytest.fixture
def redis_server(_server: RedisServer) -> RedisServer:
    """Empty, and as if it had just started."""
    _server.empty()
    return _server


@pytest.fixture
async def connected(redis_server: RedisServer) -> AsyncIterator[Callable[[], Redis]]:
    """Makes clients of the server; each is like one process of ours."""
    clients: list[Redis] = []

    def one() -> Redis:
        clients.append(connect(redis_server.url))
        return clients[-1]

    yield one
    for client in clients:
        await client.aclose()


@pytest.fixture
def redis(connected: Callable[[], Redis]) -> Redis:
    return connected()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
