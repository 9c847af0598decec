"""The daily salts: made at first use, the same for everybody, destroyed 48 hours after their day began."""

import asyncio
import secrets
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common import errors
from codeqr_common.errors import ApiError
from codeqr_common.kafka.sessions import wait
from codeqr_common.logs import get_logger
from link_api.database import Database
from link_api.tables import salts

log = get_logger(__name__)
KEPT = timedelta(hours=48)
EARLY = timedelta(days=1)
DESTROY_EVERY_S = 300.0
SALT_BYTES = 32


def is_destroyed(day: date, moment: datetime) -> bool:
    """Whether the day's salt no longer exists at `moment`: it is older than 48 hours."""
    return moment - datetime.combine(day, time(), UTC) >= KEPT


def is_too_early(day: date, moment: datetime) -> bool:
    """Whether the day begins more than a day after `moment`."""
    return datetime.combine(day, time(), UTC) - moment > EARLY


class SaltService:
    """Gives out salts and destroys them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, day: date) -> bytes:
        """The day's salt. 404 once it is destroyed, and for days that are too far ahead: neither is ever made."""
        moment = datetime.now(UTC)
        if is_destroyed(day, moment) or is_too_early(day, moment):
            raise errors.not_found(f"There is no salt of {day}.")
        async with self._database.reading() as connection:
            found = (await connection.execute(select(salts.c.salt).where(salts.c.day == day))).scalar_one_or_none()
        return found if found is not None else await self._database.write(lambda writer: _make(writer, day))

    async def destroy_old(self, stop: asyncio.Event) -> None:
        """Delete salts whose time is over, until `stop` is set."""
        while not stop.is_set():
            try:
                await self._database.write(_destroy)
            except ApiError as error:
                log.warning("old salts not destroyed", error=error.message)
            await wait(stop, DESTROY_EVERY_S)


async def _make(connection: AsyncConnection, day: date) -> bytes:
    """Insert the day's salt unless another process just has; either way, give the one that is stored."""
    made = secrets.token_bytes(SALT_BYTES)
    await connection.execute(insert(salts).values(day=day, salt=made).on_conflict_do_nothing())
    return bytes((await connection.execute(select(salts.c.salt).where(salts.c.day == day))).scalar_one())


async def _destroy(connection: AsyncConnection) -> None:
    last = (datetime.now(UTC) - KEPT).date()
    await connection.execute(delete(salts).where(salts.c.day <= last))
