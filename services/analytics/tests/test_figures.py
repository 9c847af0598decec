"""Questions answered by a real ClickHouse."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest

from analytics.clickhouse.client import ClickHouse
from analytics.clicks.stream import ClickStream
from analytics.ingest.store import ClickStore
from analytics.queries.figures import Figures
from analytics.queries.parameters import by_name, question
from analytics.queries.schemas import CountRow, TimeseriesRow
from codeqr_common.events.clicks import ClickEvent

MakeClick = Callable[..., ClickEvent]
Ask = Callable[[str], Awaitable[Any]]
Put = Callable[..., Awaitable[None]]


@pytest.fixture
def ask(clickhouse: ClickHouse, project: str) -> Ask:
    figures = Figures(clickhouse)
    return lambda query: figures.answer(project, question(by_name(parse_qsl(query))))


@pytest.fixture
def put(store: ClickStore, stream: str) -> Put:
    return lambda *clicks: store.insert(stream, 0, list(enumerate(clicks)))


SEPTEMBER = "start=2025-09-01&end=2025-10-01"


async def test_an_empty_project_has_zeros(ask: Ask) -> None:
    assert await ask("") == CountRow(0, 0, 0, 0, 0, 0)
    assert await ask("interval=all") == CountRow()
    series = await ask("interval=7d&groupBy=timeseries")
    assert len(series) == 7
    assert all(row.clicks == 0 for row in series)


async def test_counts_leave_bots_out_unless_asked(ask: Ask, put: Put, make_click: MakeClick) -> None:
    await put(
        make_click(visitor="a"),
        make_click(visitor="a", qr=True, trigger="qr"),
        make_click(visitor="b", bot=True, bot_reason="ua"),
        make_click(visitor=None),
    )
    assert await ask(SEPTEMBER) == CountRow(clicks=3, uniques=1, scans=1)
    assert await ask(f"{SEPTEMBER}&bot=include") == CountRow(clicks=4, uniques=2, scans=1)
    assert await ask(f"{SEPTEMBER}&bot=only") == CountRow(clicks=1, uniques=1, scans=0)
    assert await ask(f"{SEPTEMBER}&event=sales") == CountRow(clicks=3, uniques=1, scans=1)


async def test_filters_are_applied(ask: Ask, put: Put, make_click: MakeClick) -> None:
    await put(
        make_click(link_id="link_1", country="US"),
        make_click(link_id="link_2", country="BR", qr=True, trigger="qr", key="Öl", key_folded="öl"),
        make_click(link_id="link_3", domain="other.example"),
    )

    async def clicks(query: str) -> int:
        return int((await ask(f"{SEPTEMBER}&{query}")).clicks)

    assert await clicks("linkId=link_1,link_2") == 2
    assert await clicks("linkId=-link_1") == 2
    assert await clicks("country=us") == 1
    assert await clicks("country=-US,BR") == 1
    assert await clicks("country=Unknown") == 1
    assert await clicks("domain=go.example") == 2
    assert await clicks("domain=go.example&key=ÖL") == 1
    assert await clicks("qr=true") == 1
    assert await clicks("trigger=-qr") == 2
    assert await clicks("linkId=' OR 1=1 --") == 0


async def test_the_window_is_half_open(ask: Ask, put: Put, make_click: MakeClick) -> None:
    await put(
        make_click(at="2025-08-31T23:59:59.999Z"),
        make_click(at="2025-09-01T00:00:00.000Z"),
        make_click(at="2025-09-30T23:59:59.999Z"),
        make_click(at="2025-10-01T00:00:00.000Z"),
    )
    assert (await ask(SEPTEMBER)).clicks == 2
    assert (await ask("interval=all")).clicks == 4


async def test_uniques_are_counted_per_utc_day(ask: Ask, put: Put, make_click: MakeClick) -> None:
    await put(
        make_click(at="2025-09-01T23:00:00Z", visitor="a"),
        make_click(at="2025-09-01T23:30:00Z", visitor="a"),
        make_click(at="2025-09-02T00:30:00Z", visitor="a"),
        make_click(at="2025-09-02T01:00:00Z", visitor="b"),
    )
    assert (await ask(SEPTEMBER)).uniques == 3
    # in Tokyo all of it is one day, which still holds two UTC days
    series = await ask("start=2025-09-02&end=2025-09-05&timezone=Asia/Tokyo&groupBy=timeseries")
    assert [(row.clicks, row.uniques) for row in series] == [(4, 3), (0, 0), (0, 0)]


async def test_a_series_has_every_day_of_the_zone(ask: Ask, put: Put, make_click: MakeClick) -> None:
    """New York's clock goes forward on 2025-03-09, so that day has 23 hours."""
    await put(
        make_click(at="2025-03-09T04:59:59.999Z"),
        make_click(at="2025-03-09T05:00:00Z"),
        make_click(at="2025-03-10T03:59:59.999Z", qr=True),
        make_click(at="2025-03-10T04:00:00Z"),
    )
    series = await ask("start=2025-03-07&end=2025-03-11&timezone=America/New_York&groupBy=timeseries")
    assert series == [
        TimeseriesRow("2025-03-07T05:00:00.000Z"),
        TimeseriesRow("2025-03-08T05:00:00.000Z", clicks=1),
        TimeseriesRow("2025-03-09T05:00:00.000Z", clicks=2, scans=1),
        TimeseriesRow("2025-03-10T04:00:00.000Z", clicks=1),
    ]
    hours = await ask("start=2025-03-09&end=2025-03-10&timezone=America/New_York&groupBy=timeseries")
    assert len(hours) == 23
    assert sum(row.clicks for row in hours) == 2


async def test_the_series_adds_up_to_the_count(ask: Ask, put: Put, make_click: MakeClick) -> None:
    await put(
        *(make_click(at=f"2025-{month:02d}-{day:02d}T0{day % 10}:30:00Z") for month in range(1, 13) for day in (1, 28))
    )
    query = "start=2025-01-15&end=2025-12-15&timezone=Europe/Paris"
    series = await ask(f"{query}&groupBy=timeseries")
    assert sum(row.clicks for row in series) == (await ask(query)).clicks == 22
    assert len(series) == 12


async def test_projects_do_not_see_each_other(clickhouse: ClickHouse, put: Put, make_click: MakeClick) -> None:
    await put(make_click())
    answer = await Figures(clickhouse).answer("proj_other", question(by_name(parse_qsl("interval=all"))))
    assert answer == CountRow()


@pytest.mark.parametrize("page_rows", [1, 2, 5, 100])
async def test_the_stream_gives_every_row_once_each_time_it_is_stored(
    clickhouse: ClickHouse, put: Put, make_click: MakeClick, project: str, page_rows: int
) -> None:
    same = make_click(link_id="link_2", referrer_url="https://news.example/a?b", bot=True)
    clicks = [make_click(link_id=f"link_{at % 3}", at=f"2025-09-0{at % 4 + 1}T00:00:00Z") for at in range(12)]
    await put(*clicks, same, same)

    lines = [line async for page in ClickStream(clickhouse, page_rows).pages(project) for line in page]

    assert sorted(line.id for line in lines) == sorted(click.id for click in (*clicks, same, same))
    line = next(line for line in lines if line.id == same.id)
    assert (line.link_id, line.time) == ("link_2", "2025-09-06T12:21:07.873Z")
    assert (line.referrer, line.bot) == ("https://news.example/a?b", True)
    assert all(line.referrer is None for line in lines if line.id != same.id)
    everything = [line async for page in ClickStream(clickhouse, page_rows * 50).pages(None) for line in page]
    assert len(everything) >= len(lines)
