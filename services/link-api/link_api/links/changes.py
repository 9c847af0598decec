"""What a change of a link tells the world: its event in the outbox and its entries for the register."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common import errors
from codeqr_common.events.links import Link, LinkEvent, LinkEventType, ShortLinkName, decode_link_event
from codeqr_common.ids import new_id
from codeqr_common.short_links import LinkEntry
from codeqr_common.times import now_ms
from link_api.links.names import Name
from link_api.links.representation import Representation, redirect_link
from link_api.outbox import repository as outbox
from link_api.outbox.entries import RegisterEntries

MAX_LINK_BYTES = 256 << 10
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """A change whose event is in the outbox; `entries` go to the register once it is committed."""

    link: Link
    entries: RegisterEntries


class LinkEvents:
    """Writes the events of links, each in the transaction of its change."""

    def __init__(self, representation: Representation) -> None:
        self._show = representation

    async def created(self, connection: AsyncConnection, row: Row, version: int) -> Change:
        return await self._write(connection, "link.created", row, version)

    async def updated(self, connection: AsyncConnection, before: Row, after: Row, version: int) -> Change:
        """`before` names the short link that the link left, if it moved."""
        moved = _name(before) != _name(after)
        return await self._write(connection, "link.updated", after, version, left=before if moved else None)

    async def deleted(self, connection: AsyncConnection, row: Row, version: int) -> Change:
        """`row` is the link before it was deleted."""
        return await self._write(connection, "link.deleted", row, version)

    async def _write(
        self, connection: AsyncConnection, kind: LinkEventType, row: Row, version: int, *, left: Row | None = None
    ) -> Change:
        link = self._show.link(row)
        event = LinkEvent(
            id=new_id("evt"),
            type=kind,
            time=now_ms(),
            version=version,
            project_id=link.project_id,
            link_id=link.id,
            link=link,
            previous=None if left is None else ShortLinkName(left["domain"], left["key"]),
            request_id=outbox.request_id(),
        )
        present = LinkEntry(version, None if kind == "link.deleted" else redirect_link(row))
        rows = [(*_name(row), present)]
        if left is not None:
            rows.append((*_name(left), LinkEntry(version, None)))
        entries = RegisterEntries(links=tuple(rows))
        if len(await outbox.add_link_event(connection, event, _name(row), entries)) > MAX_LINK_BYTES:
            raise errors.unprocessable_entity(f"body: the link is larger than {MAX_LINK_BYTES} bytes")
        return Change(link, entries)


def last_links(deletions: Iterable[bytes]) -> list[Link]:
    """The links that `link.deleted` events tell of, as they last were; of several events of a link the last counts."""
    events = [decode_link_event(value) for value in deletions]
    deleted = [event for event in events if isinstance(event, LinkEvent) and event.type == "link.deleted"]
    return list({event.link_id: event.link for event in deleted}.values())


def _name(row: Row) -> Name:
    return Name(row["domain"], row["key_folded"])
