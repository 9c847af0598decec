"""Changing and deleting links, one or many: names are locked first, then rows read, written and told of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common import errors
from codeqr_common.events.links import Link, LinkEventType
from codeqr_common.http.calls import WriteCall
from link_api import clock
from link_api.audit import repository as audit
from link_api.audit.repository import Actor
from link_api.database import Outdated
from link_api.domains import repository as domain_rows
from link_api.links import names, repository, tagging
from link_api.links.changes import LinkEvents, PendingEvent
from link_api.links.drafting import Webhooks
from link_api.links.loops import LoopCheck
from link_api.links.names import Name
from link_api.links.passwords import hashes_of
from link_api.links.schemas import LinkFields, UpsertLink
from link_api.links.tagging import TagsAsked, tags_asked
from link_api.links.values import TARGETS, LinkValues, Values, new_password, with_derived
from link_api.links.webhook_ids import unknown_webhook
from link_api.outbox import repository as outbox
from link_api.outbox.entries import RegisterEntries, merged

LEADING = TARGETS | {"geo", "rules", "domain", "key_folded"}
"""Columns by which a link can come to lead to itself."""
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """What a body asks for, checked. `domain`: a slug to move to; `tags`: None to leave them."""

    values: Values
    domain: str | None = None
    tags: TagsAsked | None = None
    bulk: bool = False


@dataclass(frozen=True, slots=True)
class Changed:
    """Links as they are after the change; `entries` go to the register once it is committed."""

    links: list[Link]
    entries: RegisterEntries


class Changing:
    """Changes and deletes, each inside a transaction of the caller's."""

    def __init__(self, values: LinkValues, webhooks: Webhooks, loops: LoopCheck, events: LinkEvents) -> None:
        self._values = values
        self._webhooks = webhooks
        self._loops = loops
        self._events = events

    async def prepare(self, call: WriteCall, body: LinkFields, *, bulk: bool = False) -> Change:
        """What can be decided before the transaction. Raises 422."""
        for name in ("domain", "key"):
            is_null = name in body.model_fields_set and getattr(body, name) is None
            if is_null and not isinstance(body, UpsertLink):
                raise errors.unprocessable_entity(f"{name}: cannot be cleared")
        values = self._values.read(body)
        if bulk:
            values.pop("proxy", None)
        if webhook_ids := values.get("webhook_ids"):
            known = await self._webhooks.known(call.project_id, webhook_ids)
            if refusal := unknown_webhook(webhook_ids, known):
                raise refusal
        is_set, password = new_password(body)
        if is_set:
            values["password_hash"] = (await hashes_of([password]))[password] if password else None
        return Change(values, body.domain, tags_asked(body), bulk)

    async def change_one(self, connection: AsyncConnection, actor: Actor, link_id: str, change: Change) -> Changed:
        """Change a link, which may move. Raises 403, 409, 422, and `Outdated` when the link has just gone."""
        found = await repository.by_ids(connection, [link_id])
        if not found:
            raise Outdated("the link is gone")
        old = Name(found[0]["domain"], found[0]["key_folded"])
        values = dict(change.values)
        if change.domain is not None:
            domain = await domain_rows.for_links(connection, actor.project_id, change.domain)
            values |= {"domain_id": domain.id, "domain": domain.slug}
        new = Name(values.get("domain", old.domain), values.get("key_folded", old.folded))
        if new == old:
            versions = await _locked(connection, [link_id], release=False)
        else:
            versions = {link_id: await names.move(connection, old, new, link_id)}
        return await self._change(connection, actor, versions, replace(change, values=values), at=old)

    async def change_all(
        self, connection: AsyncConnection, actor: Actor, link_ids: Sequence[str], change: Change
    ) -> Changed:
        """Change links alike; none of them moves. Raises 422, and `Outdated` when one has just moved or gone."""
        if not link_ids:
            return Changed([], RegisterEntries())
        versions = await _locked(connection, link_ids, release=False)
        return await self._change(connection, actor, versions, change)

    async def delete(
        self, connection: AsyncConnection, actor: Actor, link_ids: Sequence[str], *, bulk: bool
    ) -> Changed:
        """Delete links; gives them as they last were. Raises `Outdated` when one has just moved or gone."""
        versions = await _locked(connection, link_ids, release=True)
        rows = await repository.by_ids(connection, list(versions))
        await repository.remove(connection, list(versions))
        events = [self._events.pending("link.deleted", row, bulk=bulk) for row in rows]
        return await self._tell(connection, actor, "link.deleted", events, versions)

    async def _change(
        self,
        connection: AsyncConnection,
        actor: Actor,
        versions: Mapping[str, int],
        change: Change,
        *,
        at: Name | None = None,
    ) -> Changed:
        """`at`: the name that the single link is taken to have; it may have moved before its name was locked."""
        before = await repository.by_ids(connection, list(versions))
        if at is not None and [Name(row["domain"], row["key_folded"]) for row in before] != [at]:
            raise Outdated("the link has moved")
        values = change.values | {"updated_at": clock.now()}
        after = [with_derived({**row, **values}) for row in before]
        if values.keys() & LEADING:
            await self._loops.check(after, connection)
        derived = {row["id"]: (row["search_text"], row["filled"]) for row in after}
        await repository.change(connection, values, derived)
        if change.tags is not None and not change.tags.repeats(before):
            (tags,) = await tagging.resolve(connection, actor.project_id, [change.tags])
            await repository.set_tags(connection, list(versions), [tag["id"] for tag in tags])
            after = [{**row, "tags": tags} for row in after]
        events = [
            self._events.pending("link.updated", row, before=old, bulk=change.bulk)
            for row, old in zip(after, before, strict=True)
        ]
        return await self._tell(connection, actor, "link.updated", events, versions)

    async def _tell(
        self,
        connection: AsyncConnection,
        actor: Actor,
        kind: LinkEventType,
        events: Sequence[PendingEvent],
        versions: Mapping[str, int],
    ) -> Changed:
        """Write the events and the audit."""
        await outbox.add_all(connection, [event.row(versions[event.link.id]) for event in events])
        await audit.record(connection, actor, kind, [event.link.id for event in events])
        entries = merged(event.entries(versions[event.link.id]) for event in events)
        return Changed([event.link for event in events], entries)


async def _locked(connection: AsyncConnection, link_ids: Sequence[str], *, release: bool) -> dict[str, int]:
    """Lock the links' names: id → new version, in the order asked."""
    versions = await names.touch(connection, link_ids, release=release)
    if len(versions) != len(link_ids):
        raise Outdated("a link has moved or is gone")
    return {link_id: versions[link_id] for link_id in link_ids}
