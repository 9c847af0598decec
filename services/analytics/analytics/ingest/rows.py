"""A click event as a row of the table `clicks`, and many of them as columns. No I/O."""

from collections.abc import Sequence

import msgspec

from codeqr_common.events.clicks import ClickEvent, decode_click
from codeqr_common.times import iso

EARLIEST_MS = 946_684_800_000  # 2000-01-01
LATEST_MS = 4_102_444_800_000  # 2100-01-01
MAX_UINT64 = 2**64 - 1

SAME_NAME = (
    "project_id",
    "link_id",
    "id",
    "domain",
    "key",
    "key_folded",
    "target",
    "url",
    "trigger",
    "qr",
    "continent",
    "country",
    "region",
    "city",
    "os",
    "browser",
    "device",
    "bot",
    "user_agent",
    "spool",
    "position",
)
"""Columns that hold a field of the event as it is."""

EMPTY_FOR_NONE = (
    "variant",
    "bot_reason",
    "referrer",
    "referrer_url",
    "language",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
    "visitor",
    "request_id",
)
"""Columns that hold '' where the event has None."""

COLUMNS = (*SAME_NAME, *EMPTY_FOR_NONE, "time", "stream", "partition", "offset")


def decode(value: bytes) -> ClickEvent:
    """The click in a record's value; raises ValueError for what the table cannot hold.

    A row that ClickHouse refuses would stop the partition, so its limits are checked here.
    """
    click = decode_click(value)
    if not EARLIEST_MS <= click.time < LATEST_MS:
        raise ValueError(f"time: {click.time} is not between 2000 and 2100")
    if not 0 <= click.position <= MAX_UINT64:
        raise ValueError(f"position: {click.position} is not a 64-bit number")
    return click


def json_columns(stream: str, partition: int, clicks: Sequence[tuple[int, ClickEvent]]) -> bytes:
    """The body of `INSERT INTO clicks FORMAT JSONColumns`: each column's name and all its values.

    `clicks` are pairs of a Kafka offset and the click that stands there; at least one.
    """
    offsets, events = zip(*clicks, strict=True)
    columns: dict[str, list[object]] = {name: [getattr(event, name) for event in events] for name in SAME_NAME}
    columns |= {name: [getattr(event, name) or "" for event in events] for name in EMPTY_FOR_NONE}
    columns["time"] = [iso(event.time)[:-1] for event in events]
    columns["stream"] = [stream] * len(offsets)
    columns["partition"] = [partition] * len(offsets)
    columns["offset"] = list(offsets)
    return msgspec.json.encode(columns)
