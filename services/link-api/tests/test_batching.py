"""Links of several callers in one statement: who travels with whom, and who suffers for whom."""

import asyncio
from collections.abc import Sequence

import pytest

from codeqr_common import errors
from codeqr_common.errors import ApiError
from link_api.database import DatabaseAway
from link_api.links import batching
from link_api.links.batching import CreationBatches
from link_api.links.creation import Outcomes
from link_api.links.values import Values


def row(name: str, external_id: str | None = None) -> Values:
    return {"id": f"link_{name}", "project_id": "p", "domain": "d.com", "key_folded": name, "external_id": external_id}


class Statements:
    """What ran, and what came of it: `refuse` and `hold` are by key, and hit every statement that has the key."""

    def __init__(self) -> None:
        self.ran: list[list[str]] = []
        self.refuse: dict[str, Exception] = {}
        self.hold: dict[str, asyncio.Event] = {}
        self.batches = CreationBatches(self.run)

    async def run(self, rows: Sequence[Values]) -> Outcomes:
        keys = [each["key_folded"] for each in rows]
        self.ran.append(keys)
        for key in keys:
            if held := self.hold.get(key):
                await held.wait()
            if error := self.refuse.get(key):
                raise error
        await asyncio.sleep(0)
        return [{"id": each["id"], "version": 7} for each in reversed(rows)]

    async def make(self, *rows: Values) -> list[str]:
        """What each caller gets, all of them calling at once: the id, or the error's code."""
        answers = await asyncio.gather(*(self.batches.make([each]) for each in rows), return_exceptions=True)
        return [_told(answer) for answer in answers]


def _told(answer: Outcomes | BaseException) -> str:
    if isinstance(answer, ApiError):
        return answer.code
    assert not isinstance(answer, BaseException), answer
    (outcome,) = answer
    return str(outcome["id"])


@pytest.fixture
def statements() -> Statements:
    return Statements()


async def test_links_of_one_moment_are_one_statement(statements: Statements) -> None:
    assert await statements.make(row("a"), row("b"), row("c")) == ["link_a", "link_b", "link_c"]
    assert statements.ran == [["a", "b", "c"]]


async def test_what_comes_during_a_statement_waits_for_the_next(statements: Statements) -> None:
    statements.hold["a"] = asyncio.Event()
    first = asyncio.create_task(statements.make(row("a")))
    await asyncio.sleep(0.001)
    rest = asyncio.create_task(statements.make(row("b"), row("c")))
    await asyncio.sleep(0.001)
    assert statements.ran == [["a"]]
    statements.hold["a"].set()
    assert await first == ["link_a"]
    assert await rest == ["link_b", "link_c"]
    assert statements.ran == [["a"], ["b", "c"]]


async def test_equal_names_and_external_ids_do_not_share_a_statement(statements: Statements) -> None:
    told = await statements.make(row("a"), row("a"), row("b", "x"), row("c", "x"), row("d"))
    assert told == ["link_a", "link_a", "link_b", "link_c", "link_d"]
    assert statements.ran == [["a", "b", "d"], ["a", "c"]]


async def test_a_statement_has_a_size(statements: Statements, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "MOST_LINKS", 2)
    await statements.make(*(row(str(number)) for number in range(5)))
    assert statements.ran == [["0", "1"], ["2", "3"], ["4"]]


async def test_nobody_suffers_for_a_link_that_is_refused(statements: Statements) -> None:
    statements.refuse["b"] = errors.conflict("taken at this moment")
    assert await statements.make(row("a"), row("b"), row("c")) == ["link_a", "conflict", "link_c"]
    assert sorted(statements.ran) == [["a"], ["a", "b", "c"], ["b"], ["c"]]


async def test_what_may_have_been_done_is_not_done_again(statements: Statements) -> None:
    statements.refuse["b"] = DatabaseAway()
    assert await statements.make(row("a"), row("b")) == ["service_unavailable"] * 2
    assert statements.ran == [["a", "b"]]


async def test_a_statement_that_waits_holds_nobody_up(statements: Statements, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "PATIENCE_S", 0.01)
    statements.hold["locked"] = asyncio.Event()
    locked = asyncio.create_task(statements.make(row("locked")))
    await asyncio.sleep(0.001)
    assert await statements.make(row("a")) == ["link_a"]
    assert await statements.make(row("b")) == ["link_b"]
    assert not locked.done()
    statements.hold["locked"].set()
    assert await locked == ["link_locked"]
    assert await statements.make(row("c")) == ["link_c"]


async def test_no_more_statements_wait_than_may(statements: Statements, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "PATIENCE_S", 0.001)
    held = asyncio.Event()
    names = [f"locked-{number}" for number in range(batching.LANES + 2)]
    statements.hold = dict.fromkeys(names, held)
    callers = []
    for name in names:
        callers.append(asyncio.create_task(statements.make(row(name))))
        await asyncio.sleep(0.01)
    assert len(statements.ran) == batching.LANES
    held.set()
    assert [await caller for caller in callers] == [[f"link_{name}"] for name in names]


async def test_a_caller_that_has_gone_takes_nobody_along(statements: Statements) -> None:
    statements.hold["a"] = asyncio.Event()
    gone = asyncio.create_task(statements.batches.make([row("a")]))
    stayed = asyncio.create_task(statements.batches.make([row("b")]))
    await asyncio.sleep(0.001)
    gone.cancel()
    statements.hold["a"].set()
    assert _told(await stayed) == "link_b"
    assert statements.ran == [["a", "b"]]


async def test_a_link_that_comes_as_the_last_statement_ends_is_made(statements: Statements) -> None:
    for pause in range(12):
        first = asyncio.create_task(statements.make(row("a")))
        for _ in range(pause):
            await asyncio.sleep(0)
        async with asyncio.timeout(1):
            assert await statements.make(row("b")) == ["link_b"]
        await first
