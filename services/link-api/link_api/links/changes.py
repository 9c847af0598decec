"""What a change of a link tells the world: its event for the outbox and its entries for the register.

Both carry the change's version, which Postgres draws under the lock of the name, often in the statement that writes
them. So both are made beforehand, as the texts before and after the version.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from codeqr_common import errors
from codeqr_common.events import links as link_events
from codeqr_common.events.links import Link, LinkEvent, LinkEventType, ShortLinkName, decode_link_event
from codeqr_common.ids import new_id
from codeqr_common.short_links import LinkEntry, RedirectLink
from codeqr_common.times import now_ms
from link_api.links.names import Name
from link_api.links.representation import Representation, redirect_link
from link_api.outbox import entries as register_entries
from link_api.outbox import repository as outbox
from link_api.outbox.entries import RegisterEntries

MAX_LINK_BYTES = 256 << 10
UNDRAWN = -1
Row = Mapping[str, Any]
Split = tuple[str, str]
"""JSON before and after a version."""


@dataclass(frozen=True, slots=True)
class PendingEvent:
    """An event that lacks only its version."""

    event: LinkEvent
    names: tuple[tuple[Name, RedirectLink | None], ...]
    """The link's name and what is there now, and the name that it left, if it moved."""

    @property
    def link(self) -> Link:
        """The link as its caller is answered."""
        return self.event.link

    @property
    def shard(self) -> int:
        return outbox.shard_of(*self.names[0][0])

    @property
    def headers(self) -> dict[str, str]:
        return outbox.headers_of(self.event)

    def entries(self, version: int) -> RegisterEntries:
        """What the register is to learn once the change is committed."""
        return RegisterEntries(links=tuple((*name, LinkEntry(version, link)) for name, link in self.names))

    def around_version(self) -> tuple[Split, Split]:
        """The event's JSON and the register's, both cut where the version is to stand. For a link that did not move."""
        return _cut(link_events.encode(self.event)), _cut(register_entries.encode(self.entries(UNDRAWN)))

    def row(self, version: int) -> dict[str, Any]:
        """The row of the outbox."""
        event = msgspec.structs.replace(self.event, version=version)
        return outbox.row_of(event, event.link_id, self.shard, self.entries(version))


class LinkEvents:
    """Makes the events of links."""

    def __init__(self, representation: Representation) -> None:
        self._show = representation

    def pending(self, kind: LinkEventType, row: Row, *, before: Row | None = None, bulk: bool = False) -> PendingEvent:
        """The event of a link's row (of the row before, for a deletion). `before`: what it was, for a change.

        Raises 422 for a link that is too large.
        """
        link = self._show.link(row)
        _check_size(link)
        name = _name(row)
        names = [(name, None if kind == "link.deleted" else redirect_link(row))]
        previous = None
        if before is not None and _name(before) != name:
            previous = ShortLinkName(before["domain"], before["key"])
            names.append((_name(before), None))
        event = LinkEvent(
            id=new_id("evt"),
            type=kind,
            time=now_ms(),
            version=UNDRAWN,
            project_id=link.project_id,
            link_id=link.id,
            link=link,
            previous=previous,
            bulk=bulk,
            request_id=outbox.request_id(),
        )
        return PendingEvent(event, tuple(names))


def _check_size(link: Link) -> None:
    if len(link_events.encode(link)) > MAX_LINK_BYTES:
        raise errors.unprocessable_entity(f"body: the link is larger than {MAX_LINK_BYTES} bytes")


def last_links(deletions: Iterable[bytes]) -> list[Link]:
    """The links that `link.deleted` events tell of, as they last were; of several events of a link the last counts."""
    events = [decode_link_event(value) for value in deletions]
    deleted = [event for event in events if isinstance(event, LinkEvent) and event.type == "link.deleted"]
    return list({event.link_id: event.link for event in deleted}.values())


def _cut(encoded: bytes) -> Split:
    """No text of a caller can hold the mark: in JSON its quotes would be escaped."""
    start, _, end = encoded.decode().partition(f'"version":{UNDRAWN}')
    return f'{start}"version":', end


def _name(row: Row) -> Name:
    return Name(row["domain"], row["key_folded"])
