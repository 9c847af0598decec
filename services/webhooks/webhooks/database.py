"""Transactions of the API: what is the database's absence is answered 503, never 500."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from codeqr_common import errors
from codeqr_common.logs import get_logger

log = get_logger(__name__)
CONNECTING = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError)
CONNECTION_STATES = ("08", "53", "57P")
"""Classes of SQLSTATE that tell of the server, not of the statement: connection, resources, operator intervention."""


def is_absence(error: BaseException) -> bool:
    """Whether `error` says that Postgres is not there.

    SQLAlchemy over asyncpg raises plain `DBAPIError` for a server that is starting up or whose connections broke; while
    connecting, asyncpg's own errors come through.
    """
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None) or ""
        cause = error.orig.__cause__ if error.orig else None
        return error.connection_invalidated or state.startswith(CONNECTION_STATES) or isinstance(cause, CONNECTING)
    return isinstance(error, (PoolTimeout, *CONNECTING))


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction for the block. Raises `ApiError` 503 when the database is not there."""
    try:
        async with engine.begin() as connection:
            yield connection
    except Exception as error:
        if not is_absence(error):
            raise
        log.warning("database not available", error=f"{type(error).__name__}: {error}"[:300])
        raise errors.service_unavailable("Webhooks cannot be read or changed at the moment.") from error


async def check(engine: AsyncEngine) -> None:
    """Raise when the database does not answer."""
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
