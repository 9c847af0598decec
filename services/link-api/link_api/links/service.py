"""What happens to links: each change is one transaction that holds the short link's name, the row, and the event."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common import errors
from codeqr_common.auth.keys import KeyIdentity
from codeqr_common.events.links import Link
from codeqr_common.ids import new_id
from codeqr_common.short_links import fold_key
from link_api import clock
from link_api.database import Database
from link_api.domains import repository as domain_rows
from link_api.domains.validation import comparable_slug
from link_api.links import names, repository
from link_api.links.changes import Change, LinkEvents, last_links
from link_api.links.key_rules import random_key
from link_api.links.names import Name
from link_api.links.representation import Representation
from link_api.links.schemas import ChangeLink, CreateLink, LinkFields, LinkFilters
from link_api.links.validation import checked_key, checked_url
from link_api.outbox.write_through import WriteThrough
from link_api.tags import repository as tag_rows

DRAWS = 10
PLAIN_COLUMNS = ("title", "description", "comments", "external_id", "tenant_id")
FLAG_COLUMNS = ("archived",)
TAG_FIELDS = frozenset({"tag_id", "tag_ids", "tag_names"})
NO_COUNTERS = {"clicks": 0, "leads": 0, "sales": 0, "sale_amount": 0, "last_clicked": None}


@dataclass(frozen=True)
class LinkRules:
    """Settings of the rules: schemes allowed besides http and https."""

    url_schemes: frozenset[str]


class LinkService:
    """Everything the API does with links. Answers are link objects; errors are `ApiError`s."""

    def __init__(
        self, database: Database, write_through: WriteThrough, representation: Representation, rules: LinkRules
    ) -> None:
        self._database = database
        self._write_through = write_through
        self._show = representation
        self._events = LinkEvents(representation)
        self._rules = rules

    async def create(self, identity: KeyIdentity, body: CreateLink) -> Link:
        """Make a link. 403: not a domain of this project; 409: key or external id taken; 422: a bad value."""
        values = self._values(body)
        key = checked_key("key", body.key) if body.key is not None else None
        return await self._commit(lambda connection: self._create(connection, identity, body, values, key))

    async def change(self, identity: KeyIdentity, reference: str, body: ChangeLink) -> Link:
        """Change a link; what the body does not name stays."""
        for field in ("url", "domain", "key"):
            if field in body.model_fields_set and getattr(body, field) is None:
                raise errors.unprocessable_entity(f"{field}: cannot be cleared")
        values = self._values(body)
        if body.key is not None:
            values["key"] = checked_key("key", body.key)
        return await self._commit(lambda connection: self._change(connection, identity, reference, body, values))

    async def delete(self, identity: KeyIdentity, reference: str) -> Link:
        """Delete a link; gives its last state."""
        return await self._commit(lambda connection: self._delete(connection, identity, reference))

    async def get(self, identity: KeyIdentity, reference: str) -> Link:
        """The link with this id or `ext_` and external id."""
        async with self._database.reading() as connection:
            row = await repository.find(connection, identity.project_id, reference)
        return self._show.link(_known(row))

    async def at(self, identity: KeyIdentity, domain: str, key: str) -> Link:
        """The link that `domain` and `key` name."""
        name = Name(comparable_slug(domain), fold_key(key.strip("/")))
        async with self._database.reading() as connection:
            link_id = await names.holder_of(connection, name)
            row = await repository.find(connection, identity.project_id, link_id) if link_id else None
        return self._show.link(_known(row))

    async def page(self, identity: KeyIdentity, filters: LinkFilters) -> list[Link]:
        """One page of the project's links, newest first."""
        async with self._database.reading() as connection:
            rows = await repository.page(connection, identity.project_id, filters)
        return [self._show.link(row) for row in rows]

    async def lookup(self, ids: list[str]) -> list[Link]:
        """Links of any project, for our own services.

        A deleted link is given as it last was for as long as its deletion is not published: until then nobody else
        can have heard of it.
        """
        async with self._database.reading() as connection:
            found = [self._show.link(row) for row in await repository.by_ids(connection, ids)]
            missing = set(ids) - {link.id for link in found}
            deleted = await repository.waiting_deletions(connection, sorted(missing)) if missing else []
        return found + last_links(deleted)

    async def _commit(self, work: Any) -> Link:
        """Run a change; once it is committed, write it through to Redis as well as that can be done."""
        change: Change = await self._database.write(work)
        await self._write_through.put(change.entries)
        return change.link

    async def _create(
        self,
        connection: AsyncConnection,
        identity: KeyIdentity,
        body: CreateLink,
        values: dict[str, Any],
        key: str | None,
    ) -> Change:
        domain = await domain_rows.for_links(connection, identity.project_id, body.domain)
        link_id = new_id("link")
        key, version = await self._claim(connection, domain.slug, key, body, link_id)
        tags = await tag_rows.ensure(connection, identity.project_id, *_tags_asked_for(body))
        moment = clock.now()
        row = await repository.add(
            connection,
            values
            | {
                "id": link_id,
                "project_id": identity.project_id,
                "user_id": identity.user_id,
                "domain_id": domain.id,
                "domain": domain.slug,
                "key": key,
                "key_folded": fold_key(key),
                "created_at": moment,
                "updated_at": moment,
            },
        )
        await repository.add_tags(connection, link_id, [tag["id"] for tag in tags])
        return await self._events.created(connection, {**row, **NO_COUNTERS, "tags": tags}, version)

    async def _claim(
        self, connection: AsyncConnection, domain: str, key: str | None, body: CreateLink, link_id: str
    ) -> tuple[str, int]:
        """The key and its version: the caller's own key, or random ones until one is free."""
        if key is not None:
            name = Name(domain, fold_key(key))
            return key, names.taken_unless(await names.claim(connection, name, link_id), name)
        for _ in range(DRAWS):
            drawn = checked_key("prefix", random_key(body.prefix, body.key_length))
            version = await names.claim(connection, Name(domain, fold_key(drawn)), link_id)
            if version is not None:
                return drawn, version
        raise errors.conflict("No free random key was found; ask for a longer one with keyLength.")

    async def _change(
        self,
        connection: AsyncConnection,
        identity: KeyIdentity,
        reference: str,
        body: ChangeLink,
        values: dict[str, Any],
    ) -> Change:
        before = _known(await repository.find(connection, identity.project_id, reference))
        values = values | {"updated_at": clock.now()}
        if body.domain is not None and body.domain != before["domain"]:
            domain = await domain_rows.for_links(connection, identity.project_id, body.domain)
            values |= {"domain_id": domain.id, "domain": domain.slug}
        if "key" in values:
            values["key_folded"] = fold_key(values["key"])
        old = Name(before["domain"], before["key_folded"])
        new = Name(values.get("domain", old.domain), values.get("key_folded", old.folded))
        link_id = before["id"]
        moved = new != old
        version = await (names.move(connection, old, new, link_id) if moved else names.touch(connection, old, link_id))
        await repository.change(connection, link_id, values)
        if body.model_fields_set & TAG_FIELDS:
            tags = await tag_rows.ensure(connection, identity.project_id, *_tags_asked_for(body))
            await repository.set_tags(connection, link_id, [tag["id"] for tag in tags])
        after = _known(await repository.find(connection, identity.project_id, link_id))
        return await self._events.updated(connection, before, after, version)

    async def _delete(self, connection: AsyncConnection, identity: KeyIdentity, reference: str) -> Change:
        row = _known(await repository.find(connection, identity.project_id, reference))
        version = await names.release(connection, Name(row["domain"], row["key_folded"]), row["id"])
        row = _known(await repository.find(connection, identity.project_id, row["id"]))
        await repository.remove(connection, row["id"])
        return await self._events.deleted(connection, row, version)

    def _values(self, body: LinkFields) -> dict[str, Any]:
        """The columns that the body sets, checked."""
        values = {name: getattr(body, name) for name in PLAIN_COLUMNS if name in body.model_fields_set}
        values |= {name: bool(getattr(body, name)) for name in FLAG_COLUMNS if name in body.model_fields_set}
        if body.url is not None:
            values["url"] = checked_url("url", body.url, self._rules.url_schemes)
        return values


def _tags_asked_for(body: LinkFields) -> tuple[list[str], list[str]]:
    """Ids (or names in their place) and names."""
    return [*([body.tag_id] if body.tag_id else ()), *(body.tag_ids or ())], list(body.tag_names or ())


def _known(row: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if row is None:
        raise errors.not_found("There is no such link in this project.")
    return row
