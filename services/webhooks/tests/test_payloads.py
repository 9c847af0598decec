import json
import re

from codeqr_common.events.clicks import ClickEvent
from codeqr_common.events.links import Link, LinkEvent
from webhooks.dispatch.payloads import click_event_id, from_click, from_link_event

TIME = 1757161267873
LINK = Link(
    id="link_1",
    domain="go.example",
    key="Ação",
    url="https://example.com/?a=1",
    short_link="https://go.example/Ação",
    qr_code="https://api.example/qr?url=https://go.example/Ação?qr=1",
    utm_source="mail",
    user_id="user_1",
    project_id="proj_1",
    webhook_ids=["wh_1"],
    created_at="2025-09-06T12:21:07.873Z",
    updated_at="2025-09-06T12:21:07.873Z",
)
CLICK = ClickEvent(
    id="4CGENAwnhEF8NxvBIwsBz9",
    time=TIME,
    project_id="proj_1",
    link_id="link_1",
    domain="go.example",
    key="ação",
    key_folded="ação",
    target="https://example.com/?a=1&utm_source=mail",
    url="https://example.com/?a=1",
    country="BR",
    referrer="news.example",
    referrer_url="https://news.example/a?b",
    qr=True,
    trigger="qr",
    spool="spool",
    position=7,
)


def test_a_link_event_carries_the_link_object() -> None:
    event = from_link_event(
        LinkEvent(
            id="evt_1", type="link.created", time=TIME, version=3, project_id="proj_1", link_id="link_1", link=LINK
        )
    )
    body = json.loads(event.body)
    assert (event.id, event.trigger, event.time, event.webhook_ids) == ("evt_1", "link.created", TIME, ("wh_1",))
    assert {name: body[name] for name in ("id", "event", "createdAt")} == {
        "id": "evt_1",
        "event": "link.created",
        "createdAt": "2025-09-06T12:21:07.873Z",
    }
    assert body["data"]["shortLink"] == "https://go.example/Ação"
    assert body["data"]["utm_source"] == "mail"
    assert body["data"]["password"] is None
    assert list(body) == ["id", "event", "createdAt", "data"]


def test_a_click_carries_click_and_link() -> None:
    body = json.loads(from_click(CLICK, LINK).body)
    assert body["event"] == "link.clicked"
    assert body["data"]["link"]["id"] == "link_1"
    assert body["data"]["click"] == {
        "id": "4CGENAwnhEF8NxvBIwsBz9",
        "timestamp": "2025-09-06T12:21:07.873Z",
        "url": "https://example.com/?a=1",
        "country": "BR",
        "city": "Unknown",
        "region": "Unknown",
        "continent": "Unknown",
        "device": "Unknown",
        "browser": "Unknown",
        "os": "Unknown",
        "referer": "news.example",
        "refererUrl": "https://news.example/a?b",
        "trigger": "qr",
        "qr": True,
        "bot": False,
    }


def test_a_click_read_twice_is_one_event() -> None:
    assert from_click(CLICK, LINK).id == from_click(CLICK, LINK).id == click_event_id(CLICK.id)
    assert re.fullmatch(r"evt_[0-9A-Za-z]{22}", click_event_id(CLICK.id))
    assert click_event_id(CLICK.id) != click_event_id("another")
