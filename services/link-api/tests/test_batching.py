"""Links of several callers in one statement: who travels with whom, and who suffers for whom."""

import asyncio
from collections.abc import Callable, Sequence
from contextvars import ContextVar

import pytest

from codeqr_common import errors
from codeqr_common.errors import ApiError
from link_api.database import DatabaseAway
from link_api.links import batching
from link_api.links.batching import CreationBatches
from link_api.links.creation import Outcomes
from link_api.links.values import Values


def row(name: str, external_id: str | None = None, event: str = "") -> Values:
    place = {"project_id": "p", "domain": "d.com", "key_folded": name, "external_id": external_id}
    return {"id": f"link_{name}", **place, "event_start": event, "event_end": event}


CALLER: ContextVar[str] = ContextVar("caller")


async def until(what: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not what():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0)


class Statements:
    """What ran, and what came of it: `refuse` and `hold` are by key, and hit every statement that has the key."""

    def __init__(self) -> None:
        self.ran: list[list[str]] = []
        self.refuse: dict[str, Exception] = {}
        self.hold: dict[str, asyncio.Event] = {}
        self.forgotten: set[str] = set()
        self.contexts: list[object] = []
        self.batches = CreationBatches(self.run)

    async def run(self, rows: Sequence[Values]) -> Outcomes:
        keys = [each["key_folded"] for each in rows]
        self.ran.append(keys)
        self.contexts.append(CALLER.get(None))
        for key in keys:
            if held := self.hold.get(key):
                await held.wait()
            if error := self.refuse.get(key):
                raise error
        await asyncio.sleep(0)
        return [{"id": each["id"], "version": 7} for each in reversed(rows) if each["key_folded"] not in self.forgotten]

    async def make(self, *rows: Values) -> list[str]:
        """What each caller gets, all of them calling at once: the id, or the error's code."""
        answers = await asyncio.gather(*(self.batches.make([each]) for each in rows), return_exceptions=True)
        return [_told(answer) for answer in answers]


def _told(answer: Outcomes | BaseException) -> str:
    if isinstance(answer, ApiError):
        return answer.code
    if isinstance(answer, KeyError):
        return "no outcome"
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
    await until(lambda: statements.ran)
    rest = asyncio.create_task(statements.make(row("b"), row("c")))
    await until(lambda: len(statements.batches._waiting) == 2)
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
    await until(lambda: statements.ran)
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
    for number, name in enumerate(names):
        callers.append(asyncio.create_task(statements.make(row(name))))
        if number < batching.LANES:
            await until(lambda: len(statements.ran) == number + 1)  # noqa: B023
    await until(lambda: len(statements.batches._late) == batching.LANES)
    assert len(statements.ran) == batching.LANES
    held.set()
    assert [await caller for caller in callers] == [[f"link_{name}"] for name in names]


async def test_a_caller_that_has_gone_takes_nobody_along(statements: Statements) -> None:
    statements.hold["a"] = asyncio.Event()
    gone = asyncio.create_task(statements.batches.make([row("a")]))
    stayed = asyncio.create_task(statements.batches.make([row("b")]))
    await until(lambda: statements.ran)
    gone.cancel()
    statements.hold["a"].set()
    with pytest.raises(asyncio.CancelledError):
        await gone
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


async def test_a_caller_that_has_gone_before_its_turn_gets_no_link(statements: Statements) -> None:
    statements.hold["a"] = asyncio.Event()
    first = asyncio.create_task(statements.make(row("a")))
    await until(lambda: statements.ran)
    gone = asyncio.create_task(statements.batches.make([row("b")]))
    await until(lambda: statements.batches._waiting)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    statements.hold["a"].set()
    await first
    assert await statements.make(row("c")) == ["link_c"]
    assert statements.ran == [["a"], ["c"]]


async def test_equal_names_wait_in_one_statement_only(statements: Statements, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many of them there are, others find a lane."""
    monkeypatch.setattr(batching, "PATIENCE_S", 0.001)
    statements.hold["locked"] = asyncio.Event()
    rows = [row("locked") for _ in range(batching.LANES + 2)]
    locked = asyncio.create_task(statements.make(*rows))
    await until(lambda: statements.batches._late)
    assert await statements.make(row("a")) == ["link_a"]
    assert statements.ran == [["locked"], ["a"]]
    statements.hold["locked"].set()
    assert await locked == ["link_locked"] * len(rows)


async def test_what_does_not_get_its_turn_is_refused(statements: Statements, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "WAIT_S", 0.05)
    statements.hold["a"] = asyncio.Event()
    first = asyncio.create_task(statements.make(row("a")))
    await until(lambda: statements.ran)
    assert await statements.make(row("a"), row("a")) == ["service_unavailable"] * 2
    statements.hold["a"].set()
    assert await first == ["link_a"]
    assert statements.ran == [["a"]]


async def test_large_links_travel_in_small_company(statements: Statements) -> None:
    half = "x" * (batching.MOST_CHARACTERS // 4 + 1)
    await statements.make(row("a", event=half), row("b", event=half), row("c"), row("d", event=half * 5))
    assert statements.ran == [["a", "c"], ["b"], ["d"]]


async def test_a_surprise_leaves_nobody_waiting(statements: Statements) -> None:
    statements.forgotten.add("b")
    assert await statements.make(row("a"), row("b")) == ["no outcome"] * 2
    assert await statements.make(row("c")) == ["link_c"]


async def test_a_statement_runs_in_nobodys_name(statements: Statements) -> None:
    CALLER.set("somebody")
    await statements.make(row("a"), row("b"))
    assert statements.contexts == [None]
