"""Transactions, and what goes wrong with them in the words of the API.

Endpoints and services never commit: `Database.write` does, when the work it was given is done.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

import asyncpg
import msgspec
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from codeqr_common import errors, postgres
from codeqr_common.errors import ApiError
from codeqr_common.http.calls import WriteCall
from codeqr_common.idempotency import IdempotentCalls, Replayed
from codeqr_common.logs import get_logger

log = get_logger(__name__)
Result = TypeVar("Result")
TRIES = 5
PAUSE_S = 0.02
"""At most, before the next try."""
HOT_WAIT_S = 5
"""For a free connection, as the other pool has it."""
RETRIED_STATES = ("40001", "40P01")  # serialization failure, deadlock: nothing was done, the work may run again
LOCKED_STATE = "55P03"  # a lock was not to be had in `lock_timeout`
NOT_TEXT_STATES = ("22021", "22P05")  # what Postgres cannot hold as text, such as NUL


class Outdated(Exception):
    """What the transaction read at its start has been changed by another since: the work must run again."""


class DatabaseAway(ApiError):
    """503: Postgres cannot be reached. What was under way, if anything was, may have been done, or not."""

    def __init__(self) -> None:
        super().__init__(
            "service_unavailable", "The database cannot be reached at the moment.", headers={"Retry-After": "1"}
        )


class Busy(ApiError):
    """503: others hold what is to be changed. Nothing was done."""

    def __init__(self) -> None:
        super().__init__(
            "service_unavailable", "Too many changes at once to the same thing.", headers={"Retry-After": "1"}
        )


class Database:
    """Runs work in transactions. `conflicts`: constraint name → the sentence that 409 says when it is violated."""

    def __init__(
        self, engine: AsyncEngine, hot: asyncpg.Pool, conflicts: Mapping[str, str], idempotent: IdempotentCalls
    ) -> None:
        self._engine = engine
        self._hot = hot
        self._idempotent = idempotent
        self._reader = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._conflicts = conflicts

    async def write(self, work: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
        """Run `work` in one transaction and commit it.

        Work that was overtaken (`Outdated`, a deadlock) runs again in a new transaction. Raises `ApiError`: 409 for a
        violated constraint, 422 for text that cannot be stored, 503 when Postgres is away (then the transaction is
        undone, or, if the connection broke in the very commit, it may have been done).
        """
        for _ in range(TRIES):
            try:
                async with self._errors(), self._engine.begin() as connection:
                    return await work(connection)
            except Outdated:
                await asyncio.sleep(random.uniform(0, PAUSE_S))  # noqa: S311 - so that those that met do not meet again
        raise Busy()

    async def replay(self, call: WriteCall) -> None:
        """Raise `Replayed` for a call that was answered before, or 409 for another one under its key.

        Called first by who checks much before the transaction: what has changed meanwhile must not refuse a repeat.
        """
        if call.repeatable is not None:
            async with self.reading() as connection:
                await self._idempotent.find(connection, call.repeatable)

    async def answer(
        self,
        call: WriteCall,
        work: Callable[[AsyncConnection], Awaitable[Result]],
        kept: Callable[[Result], Any] = lambda result: result,
    ) -> Result:
        """`write` for a caller who may repeat the call: the answer is kept in the same transaction.

        `kept` makes of the work's result what a repeat is answered: what the first call was, without secrets.
        Raises `Replayed` when the call has been answered before, and what `write` raises.
        """
        repeatable = call.repeatable
        if repeatable is None:
            return await self.write(work)
        calls = self._idempotent

        async def once(connection: AsyncConnection) -> Result:
            await calls.begin(connection, repeatable)
            result = await work(connection)
            await calls.keep(connection, repeatable, msgspec.json.encode(kept(result)))
            return result

        return await self.write(once)

    async def fetch(self, statement: str, *parameters: Any) -> list[Mapping[str, Any]]:
        """The rows of one statement, committed by itself, on a driver's connection without SQLAlchemy: for hot paths.

        Parameters are `$1`, `$2` … Raises `ApiError` as `write` does.
        """
        for _ in range(TRIES):
            try:
                async with self._hot.acquire(timeout=HOT_WAIT_S) as connection:
                    return cast(list[Mapping[str, Any]], await connection.fetch(statement, *parameters))
            except Exception as error:
                translated = self._translate(error)
                if translated is None:
                    raise
                if not isinstance(translated, Outdated):
                    raise translated from error
        raise Busy()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection for single statements that read; no transaction around them."""
        async with self._errors(), self._reader.connect() as connection:
            yield connection

    async def check(self) -> None:
        """Raise when Postgres does not answer."""
        await postgres.check(self._reader)

    @asynccontextmanager
    async def _errors(self) -> AsyncIterator[None]:
        try:
            yield
        except (ApiError, Outdated, Replayed):
            raise
        except Exception as error:
            translated = self._translate(error)
            if translated is None:
                raise
            raise translated from error

    def _translate(self, error: Exception) -> Exception | None:
        if postgres.is_away(error):
            log.warning("postgres is away", error=f"{type(error).__name__}: {error}"[:300])
            return DatabaseAway()
        cause = _cause(error) if isinstance(error, DBAPIError) else error
        if not isinstance(cause, asyncpg.PostgresError | asyncpg.DataError | asyncpg.InterfaceError):
            return None
        state = str(getattr(cause, "sqlstate", None) or "")
        if state == LOCKED_STATE:
            return Busy()
        if state in RETRIED_STATES:
            return Outdated(state)
        if sentence := self._conflicts.get(str(getattr(cause, "constraint_name", None) or "")):
            return errors.conflict(sentence)
        if state in NOT_TEXT_STATES or isinstance(cause, asyncpg.DataError):
            return errors.unprocessable_entity("value: holds characters that cannot be stored")
        return None


def _cause(error: DBAPIError) -> BaseException | None:
    return error.orig.__cause__ if error.orig is not None else None


def constraint_of(error: IntegrityError) -> str:
    """The name of the constraint that was violated."""
    return str(getattr(_cause(error), "constraint_name", None) or "")
