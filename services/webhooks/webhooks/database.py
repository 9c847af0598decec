"""Transactions of the API: what is the database's absence is answered 503, never 500."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from codeqr_common import errors
from codeqr_common.logs import get_logger
from codeqr_common.postgres import is_away

log = get_logger(__name__)


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
