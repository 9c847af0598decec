"""Transactions of the API: what is the database's absence is answered 503, never 500."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from codeqr_common import errors
from codeqr_common.http.calls import WriteCall
from codeqr_common.idempotency import IdempotentCalls
from codeqr_common.logs import get_logger
from codeqr_common.postgres import is_away
from webhooks import tables

log = get_logger(__name__)
Result = TypeVar("Result")
_REPEATS = IdempotentCalls(tables.idempotent_calls)


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction for the block. Raises `ApiError` 503 when the database is not there."""
    try:
        async with engine.begin() as connection:
            yield connection
    except Exception as error:
        if not is_away(error):
            raise
        log.warning("database not available", error=f"{type(error).__name__}: {error}"[:300])
        raise errors.service_unavailable("Webhooks cannot be read or changed at the moment.") from error


async def answer(
    engine: AsyncEngine,
    call: WriteCall,
    work: Callable[[AsyncConnection], Awaitable[Result]],
    kept: Callable[[Result], Any],
) -> Result:
    """Run `work` in a transaction that also keeps its answer, for a caller who may repeat the call.

    `kept` makes of the work's result what a repeat is answered: what the first call was, without secrets.
    Raises `Replayed` when the call has been answered before, 409 while the first one runs, and as `transaction` does.
    """
    async with transaction(engine) as connection:
        if call.repeatable is None:
            return await work(connection)
        await _REPEATS.begin(connection, call.repeatable)
        result = await work(connection)
        await _REPEATS.keep(connection, call.repeatable, msgspec.json.encode(kept(result)))
        return result
