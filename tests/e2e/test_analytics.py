"""GET /analytics over a running stack: visits become figures."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
SAFARI = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15"
)
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
MEASURES = {"clicks", "uniques", "scans", "leads", "sales", "saleAmount"}
ARRIVAL_S = 30


def make_link(stack: Any) -> dict[str, Any]:
    answer = stack.api.post("/links", json={"url": "https://example.com/figures", "domain": stack.short_domain})
    assert answer.status_code == 200, answer.text
    link: dict[str, Any] = answer.json()
    return link


def visit(link: dict[str, Any], *, agent: str = FIREFOX, query: str = "") -> None:
    answer = httpx.get(f"{link['shortLink']}{query}", headers={"User-Agent": agent}, follow_redirects=False)
    assert answer.status_code == 302


def figures(stack: Any, link: dict[str, Any], **parameters: str) -> Any:
    answer = stack.api.get("/analytics", params={"linkId": link["id"], "interval": "24h", **parameters})
    assert answer.status_code == 200, answer.text
    return answer.json()


def refusal(stack: Any, **parameters: str) -> tuple[int, str, str]:
    answer = stack.api.get("/analytics", params=parameters)
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


@pytest.fixture(scope="module")
def visited(stack: Any) -> dict[str, Any]:
    """A link with three visits of two people, one of them a scan, and a crawler's."""
    link = make_link(stack)
    visit(link)
    visit(link)
    visit(link, agent=SAFARI, query="?qr=1")
    visit(link, agent=CRAWLER)
    stack.wait_until(lambda: figures(stack, link, bot="include")["clicks"] == 4, ARRIVAL_S)
    return link


def test_count_leaves_bots_out(stack: Any, visited: dict[str, Any]) -> None:
    expected = {"clicks": 3, "uniques": 2, "scans": 1, "leads": 0, "sales": 0, "saleAmount": 0}
    assert figures(stack, visited) == expected
    assert figures(stack, visited, groupBy="count", event="scans") == expected
    assert figures(stack, visited, event="leads") == expected


def test_filters(stack: Any, visited: dict[str, Any]) -> None:
    assert figures(stack, visited, bot="only")["clicks"] == 1
    assert figures(stack, visited, qr="true")["clicks"] == 1
    assert figures(stack, visited, trigger="-qr")["clicks"] == 2
    assert figures(stack, visited, domain=visited["domain"], key=visited["key"].upper())["clicks"] == 3
    assert figures(stack, visited, domain="-" + visited["domain"])["clicks"] == 0
    assert figures(stack, visited, linkId=f"{visited['id']},link_unknown")["clicks"] == 3
    assert figures(stack, visited, linkId="link_unknown") == dict.fromkeys(MEASURES, 0)


@pytest.mark.parametrize(
    ("interval", "rows"), [("1h", 60), ("24h", 24), ("7d", 7), ("30d", 30), ("90d", 90), ("1y", 12)]
)
@pytest.mark.parametrize("timezone", ["UTC", "Asia/Kolkata", "America/New_York"])
def test_series_add_up_to_the_count(
    stack: Any, visited: dict[str, Any], interval: str, rows: int, timezone: str
) -> None:
    series = figures(stack, visited, groupBy="timeseries", interval=interval, timezone=timezone)

    assert len(series) == rows
    assert all(set(row) == {"start", *MEASURES} for row in series)
    assert sum(row["clicks"] for row in series) == figures(stack, visited, interval=interval)["clicks"] == 3
    starts = [row["start"] for row in series]
    assert starts == sorted(set(starts))
    assert all(start.endswith("Z") and len(start) == len("2025-09-06T12:21:07.873Z") for start in starts)


def test_a_window_of_ones_own(stack: Any, visited: dict[str, Any]) -> None:
    now = datetime.now(UTC)
    day = {"start": f"{now - timedelta(hours=12):%Y-%m-%dT%H:%M:%S.000Z}", "interval": "1h"}
    assert figures(stack, visited, **day)["clicks"] == 3
    before = {"end": f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M:%S.000Z}"}
    assert figures(stack, visited, **day, **before)["clicks"] == 0


def test_all_begins_with_the_first_event(stack: Any, visited: dict[str, Any]) -> None:
    series = figures(stack, visited, groupBy="timeseries", interval="all")
    assert sum(row["clicks"] for row in series) == 3


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"groupBy": "constellations"}, "groupBy: "),
        ({"event": "views"}, "event: "),
        ({"interval": "2h"}, "interval: "),
        ({"timezone": "Mars/Olympus"}, "timezone: "),
        ({"start": "yesterday"}, "start: "),
        ({"start": "2025-09-02", "end": "2025-09-01"}, "end: "),
        ({"key": "alone"}, "key: "),
    ],
)
def test_what_is_wrong_is_named(stack: Any, parameters: dict[str, str], message: str) -> None:
    status, code, text = refusal(stack, **parameters)
    assert (status, code) == (422, "unprocessable_entity")
    assert text.startswith(message)


def test_another_project_sees_nothing(stack: Any, visited: dict[str, Any]) -> None:
    other = stack.new_project()
    headers = {"Authorization": f"Bearer {other.api_key}"}
    answer = httpx.get(
        f"{stack.api_url}/analytics", params={"linkId": visited["id"], "interval": "all"}, headers=headers
    )
    assert answer.json() == dict.fromkeys(MEASURES, 0)


def test_without_a_key(stack: Any) -> None:
    answer = httpx.get(f"{stack.api_url}/analytics")
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "unauthorized"
