"""Links that are made at the same time, made by one statement.

One link by a statement and a commit of its own costs PostgreSQL twice what it costs as one of several. So what is
asked for while a statement is under way waits for the next one; on an idle service nothing waits. One statement at a
time makes the largest batches, and took fewer seconds of either processor than two or three.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from codeqr_common.logs import get_logger
from link_api.database import DatabaseAway
from link_api.links.creation import Outcomes
from link_api.links.values import Values

log = get_logger(__name__)
MOST_LINKS = 32
"""In one statement."""
LANES = 4
"""Statements under way at once, at most."""
PATIENCE_S = 0.05
"""A statement that takes longer, such as one that waits for a lock, holds nobody up: another may begin."""
Waiting = tuple[Values, asyncio.Future[Outcomes]]


class CreationBatches:
    """Runs `CREATE` for callers who each make one link. `run`: makes any number of links, in a transaction of its own.

    Links of any projects travel together; each has its own outcome. A statement that PostgreSQL refuses is undone, and
    each of its links is then tried alone, so nobody suffers for another's link.
    """

    def __init__(self, run: Callable[[Sequence[Values]], Awaitable[Outcomes]]) -> None:
        self._run = run
        self._waiting: list[Waiting] = []
        self._lanes: set[asyncio.Task[None]] = set()
        self._late: set[asyncio.Task[None]] = set()

    async def make(self, rows: Sequence[Values]) -> Outcomes:
        """The outcome of one link's row. Raises what the statement raises. Goes on when its caller is gone."""
        (row,) = rows
        future: asyncio.Future[Outcomes] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, future))
        self._begin()
        return await future

    def _begin(self) -> None:
        """See that a statement begins in the next turn of the loop, unless one is under way that is not late."""
        if self._waiting and len(self._lanes) == len(self._late) < LANES:
            self._lanes.add(asyncio.create_task(self._work()))

    async def _work(self) -> None:
        """One statement after the other, until nothing waits, or another lane has taken over from this late one."""
        loop, lane = asyncio.get_running_loop(), asyncio.current_task()
        assert lane is not None  # noqa: S101 - a coroutine that runs is a task's
        try:
            while self._waiting and len(self._lanes) == len(self._late) + 1:
                timer = loop.call_later(PATIENCE_S, self._is_late, lane)
                try:
                    await self._answer(self._next())
                finally:
                    timer.cancel()
                    self._late.discard(lane)
        finally:
            self._lanes.discard(lane)

    def _is_late(self, lane: asyncio.Task[None]) -> None:
        self._late.add(lane)
        self._begin()

    def _next(self) -> list[Waiting]:
        """Links that wait, the first first. No two have one name or one external id: the second waits."""
        batch: list[Waiting] = []
        rest: list[Waiting] = []
        taken: set[tuple[str, ...]] = set()
        for one in self._waiting:
            marks = _marks(one[0])
            if len(batch) == MOST_LINKS or not taken.isdisjoint(marks):
                rest.append(one)
            else:
                batch.append(one)
                taken.update(marks)
        self._waiting = rest
        return batch

    async def _answer(self, batch: Sequence[Waiting]) -> None:
        """Answer every caller of the batch, whatever happens."""
        try:
            outcomes = {outcome["id"]: outcome for outcome in await self._run([row for row, _ in batch])}
        except DatabaseAway as error:  # nobody knows whether it was done
            _fail(batch, error)
        except Exception as error:
            if len(batch) == 1:
                _fail(batch, error)
            else:
                log.info("links are made one by one", links=len(batch), error=f"{type(error).__name__}: {error}"[:300])
                await asyncio.gather(*(self._answer([one]) for one in batch))
        except BaseException as error:  # the service ends
            _fail(batch, error)
            raise
        else:
            for row, future in batch:
                if not future.done():  # its caller may have gone
                    future.set_result([outcomes[row["id"]]])


def _marks(row: Mapping[str, Any]) -> set[tuple[str, ...]]:
    marks: set[tuple[str, ...]] = {("name", row["domain"], row["key_folded"])}
    if row["external_id"] is not None:
        marks.add(("external id", row["project_id"], row["external_id"]))
    return marks


def _fail(batch: Sequence[Waiting], error: BaseException) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
