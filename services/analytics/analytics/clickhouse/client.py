"""ClickHouse in threads: one client for ingestion, a bounded pool of others for queries.

clickhouse-connect has no async client for the embedded engine, and a client runs one statement at a time. So each
thread has its own, and the number of threads is the limit. A call that is cancelled while it runs goes on in its
thread, which is busy until then: so nothing that ingestion does overtakes an insert whose caller has given up.
"""

import asyncio
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from analytics.clickhouse.address import Address

T = TypeVar("T")
Call = Callable[[Client], T]

TRANSIENT = frozenset(
    {
        60,  # UNKNOWN_TABLE: migrations have not run yet
        81,  # UNKNOWN_DATABASE: likewise
        159,  # TIMEOUT_EXCEEDED
        202,  # TOO_MANY_SIMULTANEOUS_QUERIES
        209,  # SOCKET_TIMEOUT
        210,  # NETWORK_ERROR
        241,  # MEMORY_LIMIT_EXCEEDED
        242,  # TABLE_IS_READ_ONLY
        252,  # TOO_MANY_PARTS
        279,  # ALL_CONNECTION_TRIES_FAILED
        394,  # QUERY_WAS_CANCELLED
    }
)
"""Error codes of ClickHouse after which the same statement may succeed later."""


class ClickHouseUnavailable(Exception):
    """ClickHouse cannot answer at the moment; the same call may succeed later."""


class ClickHouse:
    """The clients of this process. `url` as in `AnalyticsSettings.clickhouse_url`; limits in seconds."""

    def __init__(self, url: str, *, query_clients: int, query_limit_s: float, insert_limit_s: float) -> None:
        self.address = Address.parse(url)
        self._query_limit_s = query_limit_s
        self._ingestion = _Threads("ingestion", 1, self.address, {"async_insert": "0"}, insert_limit_s)
        limits = {"max_execution_time": str(query_limit_s), "max_threads": "2"}
        self._queries = _Threads("query", query_clients, self.address, limits, query_limit_s)
        if self.address.path:
            _use_temporary_folder(self.address.path.with_name(self.address.path.name + ".incoming"))

    async def ingest(self, call: Call[T]) -> T:
        """Run `call` on the ingestion client, after every earlier such call, abandoned ones included."""
        return await self._ingestion.run(call)

    async def query(self, call: Call[T]) -> T:
        """Run `call` on one of the query clients. Raises `ClickHouseUnavailable` when none can answer in time."""
        try:
            async with asyncio.timeout(self._query_limit_s):
                return await self._queries.run(call)
        except TimeoutError as error:
            raise ClickHouseUnavailable(f"no answer within {self._query_limit_s:g} s") from error

    async def rows(self, text: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows of a query; `parameters` stand in its text as `{name:Type}`. Raises as `query` does."""

        def run(client: Client) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in client.query(text, parameters=dict(parameters)).result_rows]

        return await self.query(run)

    async def check(self) -> None:
        """Raise `ClickHouseUnavailable` unless the table of clicks can be read."""
        await self.rows("SELECT count() FROM clicks WHERE 0", {})

    async def close(self) -> None:
        """Let running statements end, then close every client; with the last the embedded engine leaves its folder."""
        await asyncio.gather(self._queries.close(), self._ingestion.close())


class _Threads:
    """A bounded number of threads, each with a client of its own that it opens when first needed."""

    def __init__(self, name: str, count: int, address: Address, settings: dict[str, str], limit_s: float) -> None:
        self._executor = ThreadPoolExecutor(count, thread_name_prefix=f"clickhouse-{name}")
        self._address = address
        self._settings = settings
        self._limit_s = limit_s
        self._local = threading.local()
        self._opened: list[Client] = []

    async def run(self, call: Call[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._call, call)

    async def close(self) -> None:
        await asyncio.to_thread(self._executor.shutdown, wait=True, cancel_futures=True)
        for client in self._opened:
            await asyncio.to_thread(client.close)

    def _call(self, call: Call[T]) -> T:
        try:
            return call(self._client())
        except OperationalError as error:
            raise ClickHouseUnavailable(str(error)) from error
        except DatabaseError as error:
            if error.code in TRANSIENT:
                raise ClickHouseUnavailable(str(error)) from error
            raise

    def _client(self) -> Client:
        client: Client | None = getattr(self._local, "client", None)
        if client is None:
            client = _open(self._address, self._settings, self._limit_s)
            self._opened.append(client)
            self._local.client = client
        return client


_opening = threading.Lock()


def _open(address: Address, settings: dict[str, str], limit_s: float) -> Client:
    """A new client. The embedded engine starts with the first one, so they open one after another."""
    arguments: dict[str, Any] = (
        {"interface": "chdb", "path": str(address.path)} if address.path else address.server(limit_s)
    )
    with _opening:
        client = clickhouse_connect.get_client(settings=settings, **arguments)
        try:
            if not client.command(f"EXISTS DATABASE {address.database}"):
                client.command(f"CREATE DATABASE IF NOT EXISTS {address.database}")
            client.database = address.database
        except BaseException:
            client.close()
            raise
    return client


def _use_temporary_folder(folder: Path) -> None:
    """Have the embedded engine's inserts pass through `folder`, emptied now.

    The library writes each insert to a temporary file first; after a `kill -9` one stays behind, and under the
    machine's common folder nobody would ever remove it.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tempfile.tempdir = str(folder)
