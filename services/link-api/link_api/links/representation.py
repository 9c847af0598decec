"""A link's row as the API, events and redirectors show it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from codeqr_common.events.links import Link, Tag
from codeqr_common.short_links import RedirectLink
from link_api.clock import iso_or_none

PASSWORD_MASK = "********"  # noqa: S105 - what is shown in a password's place
_PLAIN = frozenset(Link.__struct_fields__) - {"short_link", "qr_code", "password", "tags", "tag_id"}


class Representation:
    """Builds link objects; `short_scheme` and `api_base` decide `shortLink` and `qrCode`."""

    def __init__(self, *, short_scheme: str, api_base: str) -> None:
        self._short_scheme = short_scheme
        self._api_base = api_base.rstrip("/")

    def link(self, row: Mapping[str, Any]) -> Link:
        """The link object of a row of `links.repository`."""
        short_link = f"{self._short_scheme}://{row['domain']}/{row['key']}"
        tags = [msgspec.convert(tag, Tag) for tag in row["tags"]]
        plain = {name: _shown(row[name]) for name in _PLAIN}
        return Link(
            **plain,
            short_link=short_link,
            qr_code=f"{self._api_base}/qr?url={short_link}?qr=1",
            password=PASSWORD_MASK if row["password_hash"] else None,
            tags=tags,
            tag_id=tags[0].id if tags else None,
        )


def redirect_link(row: Mapping[str, Any]) -> RedirectLink:
    """What a redirector must know of a link; `row` holds at least `links.repository.REDIRECT_COLUMNS`."""
    return RedirectLink(
        id=row["id"],
        project_id=row["project_id"],
        domain=row["domain"],
        key=row["key"],
        url=row["url"],
        title=row["title"],
        created_at=iso_or_none(row["created_at"]) or "",
    )


def _shown(value: Any) -> Any:
    return iso_or_none(value) if isinstance(value, datetime) else value
