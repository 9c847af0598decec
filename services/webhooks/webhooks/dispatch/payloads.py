"""The bodies that endpoints get (contract 6.2): made once for an event, the same bytes at every attempt."""

import hashlib
from dataclasses import dataclass

import msgspec

from codeqr_common.events.clicks import ClickEvent
from codeqr_common.events.links import Link, LinkEvent
from codeqr_common.ids import base62
from codeqr_common.times import iso

LINK_CLICKED = "link.clicked"
DIRECT = "(direct)"
"""What analytics calls a visit without a referrer; payloads say the same."""

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Event:
    """An event as endpoints get it. `time` is in milliseconds since the epoch."""

    id: str
    trigger: str
    project_id: str
    link_id: str
    time: int
    webhook_ids: tuple[str, ...]
    body: bytes
    traceparent: str | None = None


class _Body(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    event: str
    created_at: str
    data: object


class ClickFacts(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A click as the API shows it: the `click` of `GET /events`, under the same names."""

    id: str
    timestamp: str
    url: str
    country: str
    city: str
    region: str
    continent: str
    device: str
    browser: str
    os: str
    referer: str
    referer_url: str
    trigger: str
    qr: bool
    bot: bool


class _Clicked(msgspec.Struct, frozen=True):
    click: ClickFacts
    link: Link


def from_link_event(event: LinkEvent, traceparent: str | None = None) -> Event:
    """`data` is the link object. The id is the link event's own, which it keeps however often it is published."""
    return Event(
        id=event.id,
        trigger=event.type,
        project_id=event.project_id,
        link_id=event.link_id,
        time=event.time,
        webhook_ids=tuple(event.link.webhook_ids),
        body=_encode(_Body(event.id, event.type, iso(event.time), event.link)),
        traceparent=traceparent,
    )


def from_click(click: ClickEvent, link: Link, traceparent: str | None = None) -> Event:
    """`data` is `{click, link}`."""
    event_id = click_event_id(click.id)
    body = _Body(event_id, LINK_CLICKED, iso(click.time), _Clicked(click_facts(click), link))
    return Event(
        id=event_id,
        trigger=LINK_CLICKED,
        project_id=click.project_id,
        link_id=click.link_id,
        time=click.time,
        webhook_ids=tuple(link.webhook_ids),
        body=_encode(body),
        traceparent=traceparent,
    )


def click_event_id(click_id: str) -> str:
    """The id of a click's `link.clicked`: made from the click's, so that a click read twice is one event."""
    digest = hashlib.sha256(f"{LINK_CLICKED}:{click_id}".encode()).digest()
    return f"evt_{base62(int.from_bytes(digest[:16], 'big'))}"


def click_facts(click: ClickEvent) -> ClickFacts:
    return ClickFacts(
        id=click.id,
        timestamp=iso(click.time),
        url=click.url,
        country=click.country,
        city=click.city,
        region=click.region,
        continent=click.continent,
        device=click.device,
        browser=click.browser,
        os=click.os,
        referer=click.referrer or DIRECT,
        referer_url=click.referrer_url or DIRECT,
        trigger=click.trigger,
        qr=click.qr,
        bot=click.bot,
    )
