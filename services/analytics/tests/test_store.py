"""Ranges in a real ClickHouse."""

import asyncio
from collections.abc import Callable

from analytics.clickhouse.client import ClickHouse
from analytics.clickhouse.runner import migrate
from analytics.ingest.store import ClickStore
from codeqr_common.events.clicks import ClickEvent

MakeClick = Callable[..., ClickEvent]


async def test_a_range_that_was_never_inserted_is_missing(store: ClickStore, stream: str) -> None:
    assert await store.stored(stream, 0, 0, 1000) == set()


async def test_what_is_stored_of_a_range(store: ClickStore, stream: str, make_click: MakeClick) -> None:
    await store.insert(stream, 0, [(offset, make_click()) for offset in (5, 6, 8)])
    await store.insert(stream, 1, [(7, make_click())])
    await store.insert(f"other-{stream}", 0, [(9, make_click())])

    assert await store.stored(stream, 0, 0, 100) == {5, 6, 8}
    assert await store.stored(stream, 0, 6, 8) == {6}
    assert await store.stored(stream, 1, 0, 100) == {7}
    assert await store.stored(f"other-{stream}", 0, 0, 100) == {9}


async def test_a_batch_over_months_is_stored_whole(store: ClickStore, stream: str, make_click: MakeClick) -> None:
    months = [f"2024-{month:02d}-15T00:00:00Z" for month in range(1, 13)]
    await store.insert(stream, 0, [(2**40 + at, make_click(at=month)) for at, month in enumerate(months)])
    assert await store.stored(stream, 0, 2**40, 2**40 + 100) == {2**40 + at for at in range(12)}


async def test_equal_batches_are_not_dropped(store: ClickStore, stream: str, make_click: MakeClick) -> None:
    """De-duplication is off: it would lose rows, and hide a row that came twice."""
    click = make_click()
    await store.insert(stream, 0, [(1, click)])
    await store.insert(stream, 0, [(1, click)])
    rows = await _column(store, "count()", stream)
    assert rows == [2]


async def test_an_insert_that_its_caller_gave_up_is_over_before_the_range_is_read(
    store: ClickStore, stream: str, make_click: MakeClick
) -> None:
    events = [(offset, make_click()) for offset in range(20_000)]
    abandoned = asyncio.ensure_future(store.insert(stream, 0, events))
    await asyncio.sleep(0)
    abandoned.cancel()
    await asyncio.gather(abandoned, return_exceptions=True)
    first = await store.stored(stream, 0, 0, 20_000)
    assert first in (set(), set(range(20_000)))
    assert await store.stored(stream, 0, 0, 20_000) == first


async def test_every_field_comes_back(store: ClickStore, stream: str, make_click: MakeClick) -> None:
    click = make_click(
        key="Préço\n\t\"'\\",
        user_agent="\x00\u2028😀",
        position=2**64 - 1,
        qr=True,
        bot=True,
        bot_reason="head",
        visitor="v",
    )
    await store.insert(stream, 65_535, [(2**63, click)])
    for field in ClickEvent.__struct_fields__:
        if field in ("schema", "time"):
            continue
        assert await _column(store, field, stream) == [
            getattr(click, field) if getattr(click, field) is not None else ""
        ]
    assert await _column(store, "toUnixTimestamp64Milli(time)", stream) == [click.time]
    assert await _column(store, "partition", stream) == [65_535]
    assert await _column(store, "offset", stream) == [2**63]


async def test_a_second_migration_changes_nothing(clickhouse: ClickHouse) -> None:
    assert await clickhouse.ingest(migrate) == []


async def _column(store: ClickStore, expression: str, stream: str) -> list[object]:
    text = f"SELECT {expression} FROM clicks WHERE stream = {{stream:String}}"
    return [row[0] for row in await store._clickhouse.rows(text, {"stream": stream})]
