"""`click.events`: complete facts about one click, the same for every consumer. No address. Kafka key = link id."""

from typing import Literal

import msgspec

from codeqr_common.events.links import spelling

SCHEMA = 1
BotReason = Literal["ua", "head", "prefetch", "no_ua"]
UNKNOWN = "Unknown"


class ClickEvent(msgspec.Struct, frozen=True, rename=spelling, kw_only=True):
    """One click (contract, section 3, "What is recorded").

    `time` is in milliseconds since the epoch. `url` is the link's target before visitor parameters; `target` the
    address the visitor was sent to. Unknown places and devices are `"Unknown"`. `visitor` is a keyed hash under the
    salt of the click's UTC day, None once that salt is destroyed. `spool` and `position` say where the click came from.
    """

    schema: int = SCHEMA
    id: str
    time: int
    project_id: str
    link_id: str
    domain: str
    key: str
    key_folded: str
    target: str
    url: str
    trigger: Literal["link", "qr"] = "link"
    qr: bool = False
    variant: str | None = None
    continent: str = UNKNOWN
    country: str = UNKNOWN
    region: str = UNKNOWN
    city: str = UNKNOWN
    os: str = UNKNOWN
    browser: str = UNKNOWN
    device: str = UNKNOWN
    bot: bool = False
    bot_reason: BotReason | None = None
    referrer: str | None = None
    """The bare domain of `referrer_url`."""
    referrer_url: str | None = None
    """The Referer header as sent."""
    language: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    user_agent: str = ""
    visitor: str | None = None
    spool: str
    position: int
    request_id: str | None = None


encode = msgspec.json.Encoder().encode
decode_click = msgspec.json.Decoder(ClickEvent).decode
"""The click in a record's value. Raises `msgspec.DecodeError` for what is none."""
