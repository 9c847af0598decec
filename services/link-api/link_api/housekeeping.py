"""What is removed when its time is over: in small batches, by every API process, none of which waits for another.

A batch skips rows that another process is removing, so it does not matter how many do this at once. A process that dies
leaves what it had not yet removed to the next round.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common.errors import ApiError
from codeqr_common.idempotency import IdempotentCalls
from codeqr_common.kafka.sessions import wait
from codeqr_common.logs import get_logger
from codeqr_common.metrics import Counter, Gauge
from link_api import clock
from link_api.audit import repository as audit
from link_api.audit.repository import Actor
from link_api.database import Database
from link_api.domains import lapsed as claims
from link_api.domains.repository import CLAIMS_LAST
from link_api.keys import repository as keys
from link_api.outbox import repository as outbox

log = get_logger(__name__)
BATCH_ROWS = 1_000
MOST_COUNTED = 10_000
REMOVED = Counter("codeqr_link_api_housekeeping_removed_total", "Rows removed when their time was over.", ("what",))
WAITING = Gauge(
    "codeqr_link_api_housekeeping_waiting_rows", f"Rows whose time is over; {MOST_COUNTED:,} or more.", ("what",)
)
FAILURES = Counter("codeqr_link_api_housekeeping_failures_total", "Rounds that were given up.", ("what",))


class OnRows(Protocol):
    """Does something to at most `limit` rows. Gives their number."""

    def __call__(self, connection: AsyncConnection, *, limit: int) -> Awaitable[int]: ...


class Chore(NamedTuple):
    """Something that is removed when its time is over."""

    what: str
    remove: OnRows
    waiting: OnRows
    """How many rows wait to be removed."""


class Kept(NamedTuple):
    """How long things are kept."""

    unregistered: timedelta
    audit: timedelta
    usage: timedelta


class Housekeeping:
    """Does all chores, again and again."""

    def __init__(self, database: Database, chores: Sequence[Chore], *, every_s: float) -> None:
        self._database = database
        self._chores = chores
        self._every_s = every_s

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. What fails is tried again in the next round."""
        while not stop.is_set():
            await self.round(stop)
            await wait(stop, self._every_s)

    async def round(self, stop: asyncio.Event) -> None:
        """Every chore once, to its end."""
        for chore in self._chores:
            try:
                await self._do(chore, stop)
            except ApiError as error:  # the database is away
                FAILURES.labels(chore.what).inc()
                log.warning("housekeeping put off", what=chore.what, error=error.message)
            except Exception:
                FAILURES.labels(chore.what).inc()
                log.exception("housekeeping failed", what=chore.what)

    async def _do(self, chore: Chore, stop: asyncio.Event) -> None:
        removed = BATCH_ROWS
        while removed == BATCH_ROWS and not stop.is_set():
            removed = await self._database.write(partial(chore.remove, limit=BATCH_ROWS))
            REMOVED.labels(chore.what).inc(removed)
        async with self._database.reading() as connection:
            WAITING.labels(chore.what).set(await chore.waiting(connection, limit=MOST_COUNTED))


def chores(calls: IdempotentCalls, kept: Kept) -> list[Chore]:
    """All there are."""
    return [
        Chore("idempotent_calls", calls.forget_old, calls.count_old),
        _older("unregistered_events", outbox.remove_unregistered, outbox.count_unregistered, kept.unregistered),
        _older("domain_claims", _remove_claims, claims.count_lapsed, CLAIMS_LAST),
        _older("audit", audit.remove_old, audit.count_old, kept.audit),
        _older("key_usage", keys.remove_old_usage, keys.count_old_usage, kept.usage),
    ]


OnOlderRows = Callable[[AsyncConnection, datetime, int], Awaitable[int]]
"""`OnRows` for those that are older than a time."""


def _older(what: str, remove: OnOlderRows, count: OnOlderRows, kept: timedelta) -> Chore:
    async def do(rows: OnOlderRows, connection: AsyncConnection, *, limit: int) -> int:
        return await rows(connection, clock.now() - kept, limit)

    return Chore(what, partial(do, remove), partial(do, count))


async def _remove_claims(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Claims that nobody verified: the operator's deletion, as the audit sees it."""
    lapsed = await claims.remove_lapsed(connection, before, limit)
    for claim in lapsed:
        await audit.record(connection, Actor(claim.project_id), "domain.deleted", [claim.id])
    return len(lapsed)
