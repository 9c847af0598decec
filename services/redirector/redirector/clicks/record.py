"""What is known of a click when it is answered: the line that goes into the spool."""

import msgspec


class ClickRecord(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """One answered click, on this machine only: it holds the visitor's address.

    Written as a JSON array; new fields go to the end, with a default, so that every sender reads every spool.
    `time` is in milliseconds since the epoch; header fields are as sent, cut to the limits below.
    """

    id: str
    time: int
    project_id: str
    link_id: str
    domain: str
    key: str
    key_folded: str
    target: str
    url: str
    qr: bool
    head: bool
    address: str
    user_agent: str
    referrer: str
    language: str
    purpose: str
    """`Sec-Purpose`, `Purpose` and `X-Moz`, joined."""
    edge_place: tuple[str, str, str] | None = None
    """Country, region and city as a trusted edge told them."""
    request_id: str | None = None
    trace: dict[str, str] | None = None
    variant: str | None = None


MAX_USER_AGENT = 1024
MAX_REFERRER = 2048
MAX_LANGUAGE = 256
MAX_PURPOSE = 64

encode = msgspec.json.Encoder().encode
"""A line without a line break in it."""
decode = msgspec.json.Decoder(ClickRecord).decode
"""Raises `msgspec.DecodeError` for what is no record."""
