"""Links that are made at the same time, made by one statement.

One link by a statement and a commit of its own costs PostgreSQL twice what it costs as one of several. So what is
asked for while a statement is under way waits for the next one; on an idle service nothing waits. One statement at a
time makes the largest batches, and took fewer seconds of either processor than two or three.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from codeqr_common import errors
from codeqr_common.errors import ApiError
from codeqr_common.logs import get_logger
from link_api.database import DatabaseAway
from link_api.links.creation import Outcomes
from link_api.links.values import Values

log = get_logger(__name__)
MOST_LINKS = 32
"""In one statement."""
MOST_CHARACTERS = 1 << 20
"""Of the events in one statement, but for a link whose event alone has more."""
LANES = 4
"""Shared statements under way at once, and links that are tried alone at once, at most."""
PATIENCE_S = 0.05
"""When a statement takes longer, such as one that waits for a lock, the next one begins beside it."""
WAIT_S = 5.0
"""A link that is in no statement by then is refused: nothing was sent, so its caller may safely ask again."""


@dataclass(slots=True, eq=False)
class Waiting:
    """A link that is to be made. `marks`: what no two links under way may have in common."""

    row: Values
    marks: frozenset[tuple[str, ...]]
    size: int
    outcome: asyncio.Future[Outcomes]
    since: float = field(default_factory=time.monotonic)


class CreationBatches:
    """Runs `CREATE` for callers who each make one link. `run`: makes any number of links, in a transaction of its own.

    Links of any projects travel together; each has its own outcome. A statement that PostgreSQL refuses is undone, and
    each of its links is then tried alone: it is its own fault alone that a caller is told of. A link that waits for a
    lock delays those in its own statement until PostgreSQL gives up on the lock, and no others.
    """

    def __init__(self, run: Callable[[Sequence[Values]], Awaitable[Outcomes]]) -> None:
        self._run = run
        self._waiting: list[Waiting] = []
        self._under_way: set[tuple[str, ...]] = set()
        self._lanes: set[asyncio.Task[None]] = set()
        self._late: set[asyncio.Task[None]] = set()
        self._alone = asyncio.Semaphore(LANES)
        self._sweeps = False

    async def make(self, rows: Sequence[Values]) -> Outcomes:
        """The outcome of one link's row. Raises what the statement raises; 503 when its turn does not come."""
        (row,) = rows
        loop = asyncio.get_running_loop()
        waiting = Waiting(row, _marks(row), len(row["event_start"]) + len(row["event_end"]), loop.create_future())
        self._waiting.append(waiting)
        self._begin()
        if not self._sweeps:
            self._sweeps = True
            loop.call_later(WAIT_S / 5, self._sweep, context=Context())
        return await waiting.outcome

    def _begin(self) -> None:
        """See that a statement begins in the next turn of the loop, unless one is under way that is not late."""
        if self._waiting and len(self._lanes) == len(self._late) < LANES:
            self._lanes.add(asyncio.create_task(self._work(), context=Context()))  # that of no caller

    async def _work(self) -> None:
        """One statement after the other, until nothing waits, or another lane has taken over from this late one."""
        loop, lane = asyncio.get_running_loop(), asyncio.current_task()
        assert lane is not None  # noqa: S101 - a coroutine that runs is a task's
        try:
            while len(self._lanes) == len(self._late) + 1 and (batch := self._next()):
                timer = loop.call_later(PATIENCE_S, self._is_late, lane)
                try:
                    await self._answer(batch)
                finally:
                    timer.cancel()
                    self._late.discard(lane)
                    for one in batch:
                        self._under_way -= one.marks
        finally:
            self._lanes.discard(lane)

    def _is_late(self, lane: asyncio.Task[None]) -> None:
        self._late.add(lane)
        self._begin()

    def _next(self) -> list[Waiting]:
        """Links that wait, the first first, but none whose name or external id is under way already."""
        batch: list[Waiting] = []
        rest: list[Waiting] = []
        room = MOST_CHARACTERS
        for position, one in enumerate(self._waiting):
            if len(batch) == MOST_LINKS:
                rest += self._waiting[position:]
                break
            if one.outcome.done():  # its caller has gone
                continue
            if not self._under_way.isdisjoint(one.marks) or (batch and one.size > room):
                rest.append(one)
            else:
                batch.append(one)
                room -= one.size
                self._under_way |= one.marks
        self._waiting = rest
        return batch

    async def _answer(self, batch: Sequence[Waiting]) -> None:
        """Answer every caller of the batch, whatever happens."""
        try:
            outcomes = {outcome["id"]: outcome for outcome in await self._run([one.row for one in batch])}
            found = [outcomes[one.row["id"]] for one in batch]
        except DatabaseAway as error:  # nobody knows whether it was done
            _fail(batch, error)
        except (ApiError, asyncpg.PostgresError) as error:  # it is undone
            if len(batch) == 1:
                _fail(batch, error)
                return
            log.info("links are made one by one", links=len(batch), error=type(error).__name__)
            await asyncio.gather(*(self._answer_alone(one) for one in batch))
        except BaseException as error:
            _fail(batch, error)
            if not isinstance(error, Exception):  # the service ends
                raise
        else:
            for one, outcome in zip(batch, found, strict=True):
                if not one.outcome.done():  # its caller may have gone
                    one.outcome.set_result([outcome])

    async def _answer_alone(self, one: Waiting) -> None:
        async with self._alone:
            await self._answer([one])

    def _sweep(self) -> None:
        """Refuse what has waited too long, again and again for as long as anything waits."""
        now = time.monotonic()
        old = [one for one in self._waiting if now - one.since >= WAIT_S]
        _fail(old, errors.service_unavailable("Too many links are being made at the moment."))
        self._waiting = [one for one in self._waiting if not one.outcome.done()]
        self._sweeps = bool(self._waiting)
        if self._sweeps:
            asyncio.get_running_loop().call_later(WAIT_S / 5, self._sweep)


def _marks(row: Mapping[str, Any]) -> frozenset[tuple[str, ...]]:
    name = ("name", row["domain"], row["key_folded"])
    if row["external_id"] is None:
        return frozenset((name,))
    return frozenset((name, ("external id", row["project_id"], row["external_id"])))


def _fail(batch: Sequence[Waiting], error: BaseException) -> None:
    for one in batch:
        if not one.outcome.done():
            one.outcome.set_exception(error)
