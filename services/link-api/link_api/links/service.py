"""What happens to links: each change is one transaction that holds the short link's name, the row, and the event."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common import errors
from codeqr_common.auth.keys import KeyIdentity
from codeqr_common.errors import ApiError
from codeqr_common.events.links import Link
from codeqr_common.http.calls import WriteCall
from codeqr_common.short_links import fold_key
from link_api.audit.repository import Actor, actor_of
from link_api.database import Busy, Database
from link_api.domains.directory import DomainDirectory
from link_api.domains.validation import comparable_slug
from link_api.links import finding, listing, repository, tagging
from link_api.links.batching import CreationBatches
from link_api.links.changes import last_links
from link_api.links.changing import Changed, Changing
from link_api.links.creation import Creation, DomainGone, Draft, Made, entries_of, in_transaction
from link_api.links.drafting import Drafted, Drafting
from link_api.links.names import Name
from link_api.links.representation import Representation
from link_api.links.schemas import (
    BulkChange,
    ChangeLink,
    CountLinks,
    CreateLink,
    LinkReference,
    ListLinks,
    NotCreated,
    UpsertLink,
)
from link_api.outbox.write_through import WriteThrough

DOMAIN_TRIES = 3
Result = TypeVar("Result")


class LinkService:
    """Everything the API does with links. Answers are link objects; errors are `ApiError`s."""

    def __init__(
        self,
        database: Database,
        write_through: WriteThrough,
        representation: Representation,
        domains: DomainDirectory,
        drafting: Drafting,
        creation: Creation,
        batches: CreationBatches,
        changing: Changing,
    ) -> None:
        self._database = database
        self._write_through = write_through
        self._show = representation
        self._domains = domains
        self._drafting = drafting
        self._creation = creation
        self._batches = batches
        self._changing = changing

    async def create(self, call: WriteCall, body: CreateLink) -> Link:
        """Make a link. 403: not a domain of this project; 409: key or external id taken; 422: a bad value."""

        await self._database.replay(call)

        async def attempt() -> Made:
            draft = await self._drafting.draft(call, body)
            if call.repeatable is None and not draft.asked:
                return await self._created_together(call, draft)
            return await self._database.answer(
                call, lambda connection: self._create(connection, actor_of(call), draft), kept=lambda made: made.link
            )

        made = await self._on_living_domains(attempt)
        await self._write_through.put(made.entries)
        return made.link

    async def create_all(
        self, call: WriteCall, bodies: Sequence[CreateLink | ApiError], given: Sequence[Any]
    ) -> list[Link | NotCreated]:
        """Make many links in one transaction; those that cannot be made do not keep the others from it.

        `given`: the bodies as they came. One that could not be read comes as its error, and is answered by it.
        """

        await self._database.replay(call)

        def answer(results: Sequence[Made | ApiError]) -> list[Link | NotCreated]:
            return [_shown(result, sent) for result, sent in zip(results, given, strict=True)]

        async def attempt() -> list[Made | ApiError]:
            drafted = await self._drafting.drafts(call, bodies)
            return await self._database.answer(
                call,
                lambda connection: self._create_all(connection, actor_of(call), drafted, bulk=True),
                kept=answer,
            )

        results = await self._on_living_domains(attempt)
        await self._write_through.put(entries_of(results))
        return answer(results)

    async def change(self, call: WriteCall, reference: str, body: ChangeLink) -> Link:
        """Change a link; what the body does not name stays. Errors as for `create`, and 404."""
        change = await self._changing.prepare(call, body)

        async def work(connection: AsyncConnection) -> Changed:
            ids = await repository.ids_of(connection, call.project_id, [reference])
            if not ids:
                raise _unknown()
            return await self._changing.change_one(connection, actor_of(call), ids[reference], change)

        return (await self._committed(work))[0]

    async def change_all(self, call: WriteCall, body: BulkChange) -> list[Link]:
        """Change many links alike in one transaction. Unknown ones are skipped."""
        change = await self._changing.prepare(call, body.data, bulk=True)

        async def work(connection: AsyncConnection) -> Changed:
            ids = await repository.ids_of(connection, call.project_id, body.references)
            return await self._changing.change_all(connection, actor_of(call), _unique(ids), change)

        return await self._committed(work)

    async def delete(self, call: WriteCall, reference: str) -> str:
        """Delete a link; gives its id. 404."""
        deleted = await self._delete(call, [reference], bulk=False)
        if not deleted:
            raise _unknown()
        return deleted[0]

    async def delete_all(self, call: WriteCall, references: Sequence[str]) -> int:
        """Delete many links in one transaction; gives the number of those that were there."""
        return len(await self._delete(call, references, bulk=True))

    async def delete_batch_of_project(self, actor: Actor, limit: int) -> int:
        """Delete some links of the actor's project, which is being deleted. Gives their number, 0 when none is left."""

        async def work(connection: AsyncConnection) -> Changed:
            ids = await repository.some_of_project(connection, actor.project_id, limit)
            return await self._changing.delete(connection, actor, ids, bulk=True)

        return len(await self._committed(work))

    async def upsert(self, call: WriteCall, body: UpsertLink) -> Link:
        """Change the link that the body finds, or make it. Of equal upserts at once one makes it, the others change it.

        Found by domain and key when there is a key, else by external id, else by URL (the oldest). 409 for a key that
        another project holds.
        """
        await self._database.replay(call)
        change = await self._changing.prepare(call, body)

        async def attempt() -> Made | Changed:
            (drafted,) = await self._drafting.drafts(call, [body])
            domain = await self._domains.for_links(call.project_id, body.domain)

            async def work(connection: AsyncConnection) -> Made | Changed:
                found = await finding.for_upsert(connection, call.project_id, domain.slug, body, change.values)
                if found is None:
                    if isinstance(drafted, ApiError):
                        raise drafted
                    (made,) = await self._create_all(connection, actor_of(call), [drafted], bulk=False)
                    if isinstance(made, Made):
                        return made
                    found = await finding.for_upsert(connection, call.project_id, domain.slug, body, change.values)
                    if found is None:
                        raise made
                return await self._changing.change_one(connection, actor_of(call), found, change)

            return await self._database.answer(call, work, kept=_upserted)

        done = await self._on_living_domains(attempt)
        await self._write_through.put(done.entries)
        return _upserted(done)

    async def get(self, identity: KeyIdentity, reference: str) -> Link:
        """The link with this id or `ext_` and external id. 404."""
        return await self._one(*finding.by_reference(identity.project_id, reference))

    async def info(self, identity: KeyIdentity, asked: LinkReference) -> Link:
        """The link that the query names. 400 when it names none, 404."""
        if asked.link_id:
            return await self.get(identity, asked.link_id)
        if asked.external_id:
            return await self.get(identity, f"ext_{asked.external_id}")
        if asked.domain and asked.key:
            name = Name(comparable_slug(asked.domain), fold_key(asked.key.strip("/")))
            return await self._one(*finding.by_name(identity.project_id, name))
        raise errors.bad_request("Name a link by linkId, by externalId, or by domain and key.")

    async def page(self, identity: KeyIdentity, asked: ListLinks) -> list[Link]:
        """One page of the project's links."""
        async with self._database.reading() as connection:
            rows = await listing.page(connection, identity.project_id, asked)
        return [self._show.link(row) for row in rows]

    async def count(self, identity: KeyIdentity, asked: CountLinks) -> int | list[dict[str, Any]]:
        """How many links there are, in all or for each value of `groupBy`."""
        async with self._database.reading() as connection:
            return await listing.count(connection, identity.project_id, asked)

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

    async def _one(self, statement: str, parameters: Sequence[str]) -> Link:
        rows = await self._database.fetch(statement, *parameters)
        if not rows:
            raise _unknown()
        return self._show.link(rows[0])

    async def _created_together(self, call: WriteCall, draft: Draft) -> Made:
        """Together with whatever else is made at this moment: most links are made like this.

        Who would keep others waiting for a lock waits for it in a transaction of its own.
        """
        actor = actor_of(call)
        try:
            (result,) = await self._creation.make(self._batches.make, actor, [draft], bulk=False)
        except Busy:
            return await self._database.write(lambda connection: self._create(connection, actor, draft))
        return _made(result)

    async def _create(self, connection: AsyncConnection, actor: Actor, draft: Draft) -> Made:
        (result,) = await self._create_all(connection, actor, [draft], bulk=False)
        return _made(result)

    async def _create_all(
        self, connection: AsyncConnection, actor: Actor, drafted: Sequence[Drafted], *, bulk: bool
    ) -> list[Made | ApiError]:
        drafts = [draft for draft in drafted if isinstance(draft, Draft)]
        tags = await tagging.resolve(connection, actor.project_id, [draft.asked for draft in drafts])
        for draft, own in zip(drafts, tags, strict=True):
            draft.tags = own
        made = iter(await self._creation.make(in_transaction(connection), actor, drafts, bulk=bulk))
        return [next(made) if isinstance(draft, Draft) else draft for draft in drafted]

    async def _delete(self, call: WriteCall, references: Sequence[str], *, bulk: bool) -> list[str]:
        async def work(connection: AsyncConnection) -> Changed:
            ids = await repository.ids_of(connection, call.project_id, references)
            return await self._changing.delete(connection, actor_of(call), _unique(ids), bulk=bulk)

        return [link.id for link in await self._committed(work)]

    async def _committed(self, work: Callable[[AsyncConnection], Awaitable[Changed]]) -> list[Link]:
        """Run a change; once it is committed, write it through to Redis as well as that can be done."""
        changed = await self._database.write(work)
        await self._write_through.put(changed.entries)
        return changed.links

    async def _on_living_domains(self, attempt: Callable[[], Awaitable[Result]]) -> Result:
        """Attempt again when a domain that was remembered has changed meanwhile."""
        for _ in range(DOMAIN_TRIES):
            try:
                return await attempt()
            except DomainGone:
                self._domains.forget()
        raise errors.service_unavailable("The domain is being changed at the moment.")


def _shown(result: Made | ApiError, given: Any) -> Link | NotCreated:
    return (
        result.link
        if isinstance(result, Made)
        else NotCreated(msgspec.Raw(json.dumps(given).encode()), result.message, result.code)
    )


def _made(result: Made | ApiError) -> Made:
    if isinstance(result, ApiError):
        raise result
    return result


def _upserted(done: Made | Changed) -> Link:
    return done.link if isinstance(done, Made) else done.links[0]


def _unique(ids: Mapping[str, str]) -> list[str]:
    return list(dict.fromkeys(ids.values()))


def _unknown() -> ApiError:
    return errors.not_found("There is no such link in this project.")
