"""The Redis client: short socket timeouts, no call ever cancelled in flight, and calls that travel together.

Cancelling redis-py in the middle of a call leaves its answer in the connection, for the next caller to read; so
limits are the socket's, not `asyncio.wait_for`'s. (`ScriptBatch` has a limit for a whole exchange, and closes its
connection when that is over.)
"""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionFailed
from redis.exceptions import NoScriptError, RedisError, ResponseError

from codeqr_common.logs import get_logger

log = get_logger(__name__)
AWAY_S = 0.5
"""After a failure nobody waits for Redis for this long: a stalled one would cost every request its timeout."""


def connect(url: str, *, timeout_s: float = 0.25) -> Redis:
    """A client with its own pool. A call fails with `redis.exceptions.RedisError` at the latest after `timeout_s`.

    A broken connection, such as one to a server that has been restarted, is made anew once; a call that got no answer
    in time is not tried again.
    """
    client: Redis = Redis.from_url(
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        health_check_interval=0,
        retry=Retry(NoBackoff(), 1, supported_errors=(ConnectionFailed,)),
        decode_responses=False,
    )
    return client


class Script:
    """A Lua script, called by its digest."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


Evaluation = tuple[Script, str, Sequence[Any]]
"""A script, its one key, its arguments."""


class RedisUnavailable(Exception):
    """Redis could not be reached, or did not answer in time."""


class Breaker:
    """Keeps callers from waiting for a Redis that does not answer.

    After a failure nobody may try for `away_s`; then one caller may, and the others only when that one has succeeded.
    """

    def __init__(self, away_s: float = AWAY_S) -> None:
        self._away_s = away_s
        self._away_until: float | None = None

    def may_try(self) -> bool:
        """Whether to call Redis now. Who does says `succeeded` or `failed` afterwards."""
        if self._away_until is None:
            return True
        now = time.monotonic()
        if now < self._away_until:
            return False
        self._away_until = now + self._away_s  # this caller finds out
        return True

    def succeeded(self) -> None:
        self._away_until = None

    def failed(self) -> None:
        self._away_until = time.monotonic() + self._away_s


class ScriptBatch:
    """Script calls that travel together: those of one turn of the event loop, or of the time that the last batch took.

    They have a connection of their own, on which one batch is under way at a time: a fraction of the CPU that
    redis-py takes for calls, or pipelines, on connections of its pool.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._breaker = Breaker()
        self._waiting: list[tuple[Evaluation, asyncio.Future[Any]]] = []
        self._sending: asyncio.Task[None] | None = None
        self._connection: Any = None
        self._timeout_s: float | None = None

    async def evaluate(self, script: Script, key: str, *arguments: Any) -> Any:
        """The script's answer. Raises `RedisUnavailable`."""
        return (await self.evaluate_all([(script, key, arguments)]))[0]

    async def evaluate_all(self, evaluations: Sequence[Evaluation]) -> list[Any]:
        """The answers in order. Raises `RedisUnavailable` if any could not be had."""
        if not evaluations:
            return []
        if not self._breaker.may_try():
            raise RedisUnavailable("Redis was away a moment ago")
        loop = asyncio.get_running_loop()
        if not self._waiting and self._sending is None:
            loop.call_soon(self._send)
        answers: list[asyncio.Future[Any]] = [loop.create_future() for _ in evaluations]
        self._waiting.extend(zip(evaluations, answers, strict=True))
        return [_value(await answer) for answer in answers]

    async def aclose(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.disconnect()

    def _send(self) -> None:
        if self._sending is None:
            self._sending = asyncio.get_running_loop().create_task(self._send_all())

    async def _send_all(self) -> None:
        """Send what waits, batch after batch, until nothing does."""
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._run(batch)
        finally:
            self._sending = None

    async def _run(self, batch: list[tuple[Evaluation, asyncio.Future[Any]]]) -> None:
        """Answer every caller of the batch, whatever happens."""
        answers: list[Any] = [RedisUnavailable("the call was given up")] * len(batch)
        try:
            answers = await self._pipeline([evaluation for evaluation, _ in batch])
            self._breaker.succeeded()
        except (RedisError, OSError) as error:
            self._breaker.failed()
            answers = [RedisUnavailable(f"{type(error).__name__}: {error}")] * len(batch)
        except Exception:
            log.exception("scripts not evaluated", calls=len(batch))
        finally:
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():  # its caller may have gone
                    future.set_result(answer)

    async def _pipeline(self, evaluations: list[Evaluation]) -> list[Any]:
        answers = await self._execute(evaluations)
        repeated = [n for n, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if repeated:  # Redis has been restarted
            for script in {evaluations[n][0].digest: evaluations[n][0] for n in repeated}.values():
                await self._redis.script_load(script.text)
            for n, answer in zip(repeated, await self._execute([evaluations[n] for n in repeated]), strict=True):
                answers[n] = answer
        return answers

    async def _execute(self, evaluations: list[Evaluation]) -> list[Any]:
        commands = [("EVALSHA", script.digest, 1, key, *arguments) for script, key, arguments in evaluations]
        try:
            return await self._exchange(commands)
        except ConnectionFailed:  # it was closed meanwhile: one more try on a new one
            return await self._exchange(commands)

    async def _exchange(self, commands: list[tuple[Any, ...]]) -> list[Any]:
        """Each command's answer, or the error that Redis gave for it. A connection that failed is closed."""
        if self._connection is None:
            self._connection = self._redis.connection_pool.make_connection()  # type: ignore[no-untyped-call]
            self._timeout_s = self._connection.socket_timeout
            self._connection.socket_timeout = None  # a timer for every answer costs more than reading it
        connection = self._connection
        try:
            async with asyncio.timeout(self._timeout_s):
                if not connection.is_connected:
                    await connection.connect()
                await connection.send_packed_command(connection.pack_commands(commands))
                return [await _answer(connection) for _ in commands]
        except BaseException:
            await connection.disconnect(nowait=True)
            raise


async def _answer(connection: Any) -> Any:
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error


def _value(answer: Any) -> Any:
    if isinstance(answer, RedisUnavailable):
        raise answer
    if isinstance(answer, Exception):
        raise RedisUnavailable(f"{type(answer).__name__}: {answer}") from answer
    return answer
