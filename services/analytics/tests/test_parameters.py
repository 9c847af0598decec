"""The query string of GET /analytics → conditions and SQL."""

from datetime import datetime
from urllib.parse import parse_qsl

import pytest

from analytics.queries import sql
from analytics.queries.filters import Condition
from analytics.queries.intervals import Bucket, Interval
from analytics.queries.parameters import InvalidParameter, Question, by_name, question
from analytics.queries.schemas import Event, GroupBy
from codeqr_common.times import iso, to_ms

NOT_BOT = Condition("bot", (False,))
NOW = to_ms(datetime.fromisoformat("2025-09-06T12:21:07.873Z"))


def ask(query: str) -> Question:
    return question(by_name(parse_qsl(query, keep_blank_values=True)))


def test_defaults() -> None:
    asked = ask("")
    assert (asked.event, asked.group_by, asked.interval) == (Event.CLICKS, GroupBy.COUNT, Interval.DAY)
    assert asked.zone.key == "UTC"
    assert asked.conditions == (NOT_BOT,)


@pytest.mark.parametrize(
    ("query", "conditions"),
    [
        ("linkId=a", [Condition("link_id", ("a",))]),
        ("link_id=a", [Condition("link_id", ("a",))]),
        ("linkId=a,b&linkId=c", [Condition("link_id", ("a", "b", "c"))]),
        ("country=us", [Condition("country", ("US",))]),
        ("country=-US,BR", [Condition("country", ("US", "BR"), exclude=True)]),
        ("country=-us,-br", [Condition("country", ("US", "BR"), exclude=True)]),
        ("country=US&country=-BR", [Condition("country", ("US",)), Condition("country", ("BR",), exclude=True)]),
        ("country=unknown", [Condition("country", ("Unknown",))]),
        ("domain=GO.example&key=/Sale", [Condition("domain", ("go.example",)), Condition("key_folded", ("sale",))]),
        ("domain=", []),
        ("domain=-", []),
        ("referer=(direct)", [Condition("referrer", ("",))]),
        ("url=https://a.example/?x=1,2", [Condition("url", ("https://a.example/?x=1,2",))]),
        ("url=https://a.example,https://b.example", [Condition("url", ("https://a.example", "https://b.example"))]),
        ("utm_source=x", [Condition("utm_source", ("x",))]),
        ("trigger=qr", [Condition("trigger", ("qr",))]),
        ("trigger=-qr", [Condition("trigger", ("qr",), exclude=True)]),
        ("qr=1", [Condition("qr", (True,))]),
        ("qr=False", [Condition("qr", (False,))]),
        ("page=3&whatever=1&projectSlug=x", []),
    ],
)
def test_filters(query: str, conditions: list[Condition]) -> None:
    assert ask(query).conditions == (*conditions, NOT_BOT)


def test_bots() -> None:
    assert ask("bot=include").conditions == ()
    assert ask("bot=only").conditions == (Condition("bot", (True,)),)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("groupBy=countries", "groupBy: must be one of count, timeseries"),
        ("event=views", "event: must be one of"),
        ("interval=2h", "interval: must be one of 1h, 24h"),
        ("timezone=Mars/Olympus", "timezone: 'Mars/Olympus' is not an IANA time zone"),
        ("start=yesterday", "start: not an ISO 8601 time"),
        ("end=1500-01-01", "end: not between the years 1970 and 2099"),
        ("key=sale", "key: is a filter together with domain only"),
        ("tagIds=tag_1", "tagIds: is not offered as a filter yet"),
        ("external_id=1", "externalId: is not offered"),
        ("trigger=nfc", "trigger: must be link or qr"),
        ("qr=maybe", "qr: must be true or false"),
        ("bot=-only", "bot: must be include, only or exclude"),
    ],
)
def test_what_is_wrong_is_named(query: str, problem: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        ask(query)
    assert str(caught.value).startswith(problem)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("start=2025-09-02&end=2025-09-01", "end: not after start"),
        ("start=2025-09-07", "start: lies in the future"),
    ],
)
def test_windows_that_hold_nothing(query: str, problem: str) -> None:
    with pytest.raises(InvalidParameter, match=problem):
        ask(query).window(NOW, None)


def test_start_and_end_win_over_interval() -> None:
    found = ask("interval=1h&start=2025-09-01&end=2025-09-04&timezone=Asia/Tokyo").window(NOW, None)
    assert found.bucket is Bucket.DAY
    assert (iso(found.start), iso(found.end)) == ("2025-08-31T15:00:00.000Z", "2025-09-03T15:00:00.000Z")


def test_start_alone_reaches_to_now() -> None:
    found = ask("start=2025-09-06").window(NOW, None)
    assert found.bucket is Bucket.HOUR
    assert found.end == NOW + 1


def test_end_alone_begins_with_the_first_event() -> None:
    asked = ask("end=2025-09-01")
    assert asked.needs_first_event
    assert asked.window(NOW, NOW - 30 * 86_400_000).start == NOW - 30 * 86_400_000
    assert asked.window(NOW, NOW).start < asked.window(NOW, NOW).end
    assert ask("interval=all").needs_first_event
    assert not ask("interval=all&start=2025-01-01").needs_first_event


def test_values_never_stand_in_the_text() -> None:
    evil = "'; DROP TABLE clicks --"
    asked = question({"country": [evil], "linkId": [f"-{evil}"]})
    window = asked.window(NOW, None)
    for statement in (sql.count(evil, window, asked.conditions), sql.timeseries(evil, window, asked.conditions)):
        assert "DROP" not in statement.text
        assert statement.parameters["project"] == evil
        assert "link_id NOT IN {filter_0:Array(String)}" in statement.text
        assert "country IN {filter_1:Array(String)}" in statement.text
        assert "bot IN {filter_2:Array(Bool)}" in statement.text
        assert statement.parameters["filter_0"] == [evil]
