"""What happens to domains: claims, verification, changes, and the domains that all projects share.

`/domains/{slug}` knows the project's own domains: what another project holds, and what is shared, is answered 403, and
what nobody holds 404. A claim that is not verified holds nothing, not even the place of the primary domain, which it
takes when it is verified. An archived domain is not taken by default for new links; whoever names it may still use it.
"""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common import errors
from codeqr_common.auth.keys import KeyIdentity
from codeqr_common.errors import ApiError
from codeqr_common.http.calls import WriteCall
from codeqr_common.ids import new_id
from codeqr_common.logs import get_logger
from link_api import clock
from link_api.audit import repository as audit
from link_api.audit.repository import Actor, actor_of
from link_api.database import Database
from link_api.domains import repository
from link_api.domains.changes import announce
from link_api.domains.directory import DomainDirectory
from link_api.domains.loops import SHOWN, DomainLoops
from link_api.domains.records import TxtRecords
from link_api.domains.representation import record_of, shown
from link_api.domains.schemas import ChangeDomain, CreateDomain, Domain, DomainFields, ListDomains
from link_api.domains.validation import comparable_slug, domain_slug
from link_api.outbox.entries import RegisterEntries
from link_api.outbox.write_through import WriteThrough
from link_api.rows import Row

log = get_logger(__name__)
CheckUrl = Callable[[str, str], str]
"""Field and value → the stored form of the URL; raises 422."""


@dataclass(frozen=True, slots=True)
class Done:
    """A domain as it is now (was last, if it was deleted); `entries` go to the register once that is committed."""

    domain: Domain
    entries: RegisterEntries = field(default_factory=RegisterEntries)


class DomainService:
    """Everything the API does with domains. `verify_at_once`: local runs, where nobody has to prove anything."""

    def __init__(
        self,
        database: Database,
        write_through: WriteThrough,
        directory: DomainDirectory,
        records: TxtRecords,
        *,
        check_url: CheckUrl,
        verify_at_once: bool,
    ) -> None:
        self._database = database
        self._write_through = write_through
        self._directory = directory
        self._records = records
        self._loops = DomainLoops(database)
        self._check_url = check_url
        self._verify_at_once = verify_at_once

    async def create(self, call: WriteCall, body: CreateDomain) -> Domain:
        """Claim a domain. 409 when it is verified for somebody already, or this project has claimed it before."""
        await self._database.replay(call)
        slug = self._slug(body.slug)
        values = self._values(body)
        await self._loops.check(slug, dict.fromkeys(SHOWN) | values)
        return await self._answer(call, lambda connection: self._create(connection, call, slug, values))

    async def page(self, identity: KeyIdentity, asked: ListDomains) -> list[Domain]:
        """One page of the project's own domains. 422 for a cursor that is none of them."""
        async with self._database.reading() as connection:
            placed = await repository.placed(connection, identity.project_id, asked)
            if placed is None:
                name = "startingAfter" if asked.starting_after is not None else "endingBefore"
                raise errors.unprocessable_entity(f"{name}: there is no such domain in this project")
            rows = await repository.page(connection, identity.project_id, placed)
        return [shown(row) for row in rows]

    async def get(self, identity: KeyIdentity, slug: str) -> Domain:
        """The project's domain. 404."""
        return shown(await self._own(identity.project_id, slug))

    async def change(self, call: WriteCall, slug: str, body: ChangeDomain) -> Domain:
        """Change a domain; what the body does not name stays. 404, 422."""
        values = self._values(body)
        before = await self._own(call.project_id, slug)
        if body.slug is not None and comparable_slug(body.slug) != before["slug"]:
            raise errors.unprocessable_entity("slug: cannot be changed; make another domain")
        if SHOWN.keys() & values.keys():
            await self._loops.check(before["slug"], {**before, **values})
        return await self._write(lambda connection: self._change(connection, call, slug, values))

    async def verify(self, call: WriteCall, slug: str) -> Domain:
        """Look for the claim's DNS record; with it the domain is the project's, and without it is answered as it is.

        404; 409 when another project has proved it first; 503 when the DNS does not answer. The DNS is asked outside
        of any transaction: it may be slow.
        """
        await self._database.replay(call)
        claim = await self._own(call.project_id, slug)
        proved = claim["verified_at"] is not None or await self._is_proved(claim)
        return await self._answer(call, lambda connection: self._verify(connection, call, claim["id"], proved))

    async def delete(self, call: WriteCall, slug: str) -> str:
        """Delete a domain; gives its id. 404; 409 while it has links."""
        domain = await self._write(lambda connection: self._delete(connection, call, slug))
        return domain.id

    async def delete_batch_of_project(self, actor: Actor, limit: int) -> int:
        """Delete some verified domains of the actor's project, which is being deleted; those that have links stay."""
        async with self._database.reading() as connection:
            ids = await repository.verified_of_project(connection, actor.project_id, limit)
        return sum([await self._is_removed(actor, domain_id) for domain_id in ids])

    async def ensure_shared(self, slugs: Sequence[str]) -> None:
        """Make the shared domains that are missing. Several processes may do so at once."""
        for text in slugs:
            slug = domain_slug(text, local=True)
            entries = await self._database.write(partial(self._share, slug=slug))
            if entries is not None:
                log.info("shared domain made", slug=slug)
                await self._write_through.put(entries)

    async def _write(self, work: Callable[[AsyncConnection], Awaitable[Done]]) -> Domain:
        return await self._told(await self._database.write(work))

    async def _answer(self, call: WriteCall, work: Callable[[AsyncConnection], Awaitable[Done]]) -> Domain:
        return await self._told(await self._database.answer(call, work, kept=lambda done: done.domain))

    async def _told(self, done: Done) -> Domain:
        self._directory.forget()
        await self._write_through.put(done.entries)
        return done.domain

    async def _is_removed(self, actor: Actor, domain_id: str) -> bool:
        """Whether the domain could be deleted: it has no links, and nobody else deleted it first."""

        async def work(connection: AsyncConnection) -> Done:
            row = await repository.by_id(connection, actor.project_id, domain_id)
            return await self._remove(connection, actor, _known(row))

        try:
            await self._write(work)
        except ApiError as error:
            if error.code not in ("conflict", "not_found"):
                raise
            return False
        return True

    async def _own(self, project_id: str, slug: str) -> Row:
        async with self._database.reading() as connection:
            return await _own(connection, project_id, slug)

    async def _is_proved(self, claim: Row) -> bool:
        if self._verify_at_once:
            return True
        record = record_of(claim)
        return record.value in await self._records.at(record.name)

    async def _create(self, connection: AsyncConnection, call: WriteCall, slug: str, values: dict[str, Any]) -> Done:
        domain_id, moment = new_id("dom"), clock.now()
        if values.get("is_primary") and self._verify_at_once:
            await repository.lock_project(connection, call.project_id)
            await repository.take_primary(connection, call.project_id, domain_id, moment)
        version = await repository.claim(connection, slug, domain_id) if self._verify_at_once else None
        if version is None and await repository.is_held(connection, slug):
            raise _taken(slug)
        await repository.drop_lapsed(connection, call.project_id, slug)
        verified_at = None if version is None else moment
        new = _new_row(domain_id, slug, call.project_id, moment, verified_at)
        row = await repository.add(connection, new | values)
        await audit.record(connection, actor_of(call), "domain.created", [domain_id])
        if version is None:
            return Done(shown(row))
        return Done(shown(row), await announce(connection, "domain.created", row, version))

    async def _change(self, connection: AsyncConnection, call: WriteCall, slug: str, values: dict[str, Any]) -> Done:
        moment = clock.now()
        if values.get("is_primary"):
            await repository.lock_project(connection, call.project_id)
        before = await _own(connection, call.project_id, slug)
        if not values:
            return Done(shown(before))
        if values.get("is_primary") and before["verified_at"] is not None:
            await repository.take_primary(connection, call.project_id, before["id"], moment)
        version = await _locked(connection, before)
        row = await repository.change(connection, before, values | {"updated_at": moment})
        await audit.record(connection, actor_of(call), "domain.updated", [row["id"]])
        if version is None:
            return Done(shown(row))
        return Done(shown(row), await announce(connection, "domain.updated", row, version))

    async def _verify(self, connection: AsyncConnection, call: WriteCall, domain_id: str, proved: bool) -> Done:
        if proved:
            await repository.lock_project(connection, call.project_id)
        claim = _known(await repository.by_id(connection, call.project_id, domain_id))
        if claim["verified_at"] is not None:
            return Done(shown(claim))
        moment = clock.now()
        if proved and claim["is_primary"]:
            await repository.take_primary(connection, call.project_id, domain_id, moment)
        version = await repository.claim(connection, claim["slug"], domain_id) if proved else None
        if version is None:
            if proved or await repository.is_held(connection, claim["slug"]):
                raise _taken(claim["slug"])
            return Done(shown(claim))
        row = await repository.change(connection, claim, {"verified_at": moment, "updated_at": moment})
        await audit.record(connection, actor_of(call), "domain.verified", [domain_id])
        return Done(shown(row), await announce(connection, "domain.created", row, version))

    async def _delete(self, connection: AsyncConnection, call: WriteCall, slug: str) -> Done:
        row = await _own(connection, call.project_id, slug)
        return await self._remove(connection, actor_of(call), row)

    async def _remove(self, connection: AsyncConnection, actor: Actor, row: Row) -> Done:
        version = await _locked(connection, row, release=True)
        await repository.remove(connection, row)
        await audit.record(connection, actor, "domain.deleted", [row["id"]])
        if version is None:
            return Done(shown(row))
        return Done(shown(row), await announce(connection, "domain.deleted", row, version))

    async def _share(self, connection: AsyncConnection, slug: str) -> RegisterEntries | None:
        domain_id, moment = new_id("dom"), clock.now()
        version = await repository.claim(connection, slug, domain_id)
        if version is None:
            return None
        row = await repository.add(connection, _new_row(domain_id, slug, None, moment, moment))
        return await announce(connection, "domain.created", row, version)

    def _slug(self, text: str) -> str:
        try:
            return domain_slug(text, local=self._verify_at_once)
        except ValueError as error:
            raise errors.unprocessable_entity(f"slug: {error}") from error

    def _values(self, body: DomainFields) -> dict[str, Any]:
        """The columns that the body sets, checked. Raises 422."""
        sent = {name: getattr(body, name) for name in body.model_fields_set if name != "slug"}
        values: dict[str, Any] = {"archived": bool(sent["archived"])} if "archived" in sent else {}
        values |= {"is_primary": bool(sent["primary"])} if "primary" in sent else {}
        values |= {"placeholder": sent["placeholder"]} if "placeholder" in sent else {}
        for name in SHOWN.keys() & sent.keys():
            values[name] = None if sent[name] is None else self._check_url(SHOWN[name], sent[name])
        return values


async def _locked(connection: AsyncConnection, row: Row, *, release: bool = False) -> int | None:
    """A version for a change of the domain, drawn under its slug's lock; None for a claim, which holds none."""
    if row["verified_at"] is None:
        return None
    return await repository.touch(connection, row["slug"], row["id"], release=release)


async def _own(connection: AsyncConnection, project_id: str, slug: str) -> Row:
    """The project's domain. 403 for one that is verified for another project or shared, 404 for one of nobody.

    That a domain is taken is no secret: claiming it says so, and so does whatever answers there.
    """
    row = await repository.own(connection, project_id, slug)
    if row is None and await repository.is_held(connection, comparable_slug(slug)):
        raise errors.forbidden(f"{slug} is not a domain of this project.")
    return _known(row)


def _known(row: Row | None) -> Row:
    if row is None:
        raise errors.not_found("There is no such domain in this project.")
    return row


def _taken(slug: str) -> ApiError:
    return errors.conflict(f"The domain {slug} is already taken.")


def _new_row(
    domain_id: str, slug: str, project_id: str | None, moment: datetime, verified_at: datetime | None
) -> dict[str, Any]:
    return {
        "id": domain_id,
        "project_id": project_id,
        "slug": slug,
        "verified_at": verified_at,
        "verification_token": secrets.token_urlsafe(24),
        "created_at": moment,
        "updated_at": moment,
    }
