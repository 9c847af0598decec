"""A link's row as the API, events and redirectors show it."""

from collections.abc import Mapping
from typing import Any

from codeqr_common.events.links import Link, Tag
from codeqr_common.short_links import RedirectLink
from codeqr_common.times import to_ms
from link_api.clock import iso_or_none

PASSWORD_MASK = "********"  # noqa: S105 - what is shown in a password's place
_TIMES = ("expires_at", "last_clicked", "created_at", "updated_at")
_MADE = ("short_link", "qr_code", "password", "tags", "tag_id")
_PLAIN = tuple(name for name in Link.__struct_fields__ if name not in (*_TIMES, *_MADE))


class Representation:
    """Builds link objects; `short_scheme` and `api_base` decide `shortLink` and `qrCode`."""

    def __init__(self, *, short_scheme: str, api_base: str) -> None:
        self._short_scheme = short_scheme
        self._api_base = api_base.rstrip("/")

    def link(self, row: Mapping[str, Any]) -> Link:
        """The link object of a row of `links.repository`."""
        short_link = f"{self._short_scheme}://{row['domain']}/{row['key']}"
        tags = [Tag(**tag) for tag in row["tags"]]
        plain: dict[str, Any] = {name: row[name] for name in _PLAIN}
        times: dict[str, Any] = {name: iso_or_none(row[name]) for name in _TIMES}
        return Link(
            **plain,
            **times,
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
        url=row["url"] or "",
        title=row["title"],
        created_at=iso_or_none(row["created_at"]) or "",
        has_password=row["password_hash"] is not None,
        expires_at=None if row["expires_at"] is None else to_ms(row["expires_at"]),
        expired_url=row["expired_url"],
    )
