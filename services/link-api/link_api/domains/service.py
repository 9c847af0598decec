"""What happens to domains: claims, verification, and the domains that all projects share."""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common import errors
from codeqr_common.auth.keys import KeyIdentity
from codeqr_common.events.links import DomainEvent, DomainFacts
from codeqr_common.ids import new_id
from codeqr_common.logs import get_logger
from codeqr_common.short_links import DomainEntry
from codeqr_common.times import now_ms
from link_api import clock
from link_api.database import Database
from link_api.domains import repository
from link_api.domains.schemas import CreateDomain, Domain, VerificationRecord
from link_api.domains.validation import domain_slug
from link_api.outbox import repository as outbox
from link_api.outbox.entries import RegisterEntries
from link_api.outbox.write_through import WriteThrough
from link_api.resolve.representation import redirect_domain
from link_api.rows import Row

log = get_logger(__name__)
URL_FIELDS = ("root_url", "not_found_url", "expired_url")
CheckUrl = Callable[[str, str], str]
"""Field and value → the stored form of the URL; raises 422."""


class DomainService:
    """Everything the API does with domains. `verify_at_once`: local runs, where nobody has to prove anything."""

    def __init__(
        self, database: Database, write_through: WriteThrough, *, check_url: CheckUrl, verify_at_once: bool
    ) -> None:
        self._database = database
        self._write_through = write_through
        self._check_url = check_url
        self._verify_at_once = verify_at_once

    async def create(self, identity: KeyIdentity, body: CreateDomain) -> Domain:
        """Claim a domain. 409 when it is verified for somebody already, or this project has claimed it before."""
        try:
            slug = domain_slug(body.slug, local=self._verify_at_once)
        except ValueError as error:
            raise errors.unprocessable_entity(f"slug: {error}") from error
        urls = {name: self._check_url(name, value) for name in URL_FIELDS if (value := getattr(body, name))}
        values = urls | {"is_primary": bool(body.primary), "placeholder": body.placeholder}
        row, entries = await self._database.write(
            lambda connection: self._create(connection, slug, identity.project_id, values)
        )
        await self._write_through.put(entries)
        return shown(row)

    async def page(self, identity: KeyIdentity, page: int, size: int) -> list[Domain]:
        """One page of the project's own domains."""
        async with self._database.reading() as connection:
            rows = await repository.page(connection, identity.project_id, size, (page - 1) * size)
        return [shown(row) for row in rows]

    async def ensure_shared(self, slugs: Sequence[str]) -> None:
        """Make the shared domains that are missing. Several processes may do so at once."""
        for text in slugs:
            slug = domain_slug(text, local=True)
            entries = await self._database.write(partial(self._share, slug=slug))
            if entries is not None:
                log.info("shared domain made", slug=slug)
                await self._write_through.put(entries)

    async def _share(self, connection: AsyncConnection, slug: str) -> RegisterEntries | None:
        domain_id = new_id("dom")
        version = await repository.claim(connection, slug, domain_id)
        if version is None:
            return None
        row = await repository.add(connection, _new_row(domain_id, slug, None, clock.now()))
        return await self._announce(connection, row, version)

    async def _create(
        self, connection: AsyncConnection, slug: str, project_id: str, values: dict[str, Any]
    ) -> tuple[Row, RegisterEntries]:
        domain_id = new_id("dom")
        version = await repository.claim(connection, slug, domain_id) if self._verify_at_once else None
        if version is None and await repository.is_held(connection, slug):
            raise errors.conflict(f"The domain {slug} is already taken.")
        verified_at = clock.now() if version is not None else None
        row = await repository.add(connection, _new_row(domain_id, slug, project_id, verified_at) | values)
        if version is None:
            return row, RegisterEntries()
        return row, await self._announce(connection, row, version)

    async def _announce(self, connection: AsyncConnection, row: Row, version: int) -> RegisterEntries:
        """Write the event of a domain that has just become verified. Claims that are not are nobody's business."""
        domain = redirect_domain(row)
        event = DomainEvent(
            id=new_id("evt"),
            type="domain.created",
            time=now_ms(),
            version=version,
            project_id=domain.project_id,
            domain=DomainFacts(
                id=domain.id,
                slug=domain.slug,
                project_id=domain.project_id,
                verified=domain.verified,
                root_url=domain.root_url,
                not_found_url=domain.not_found_url,
                expired_url=domain.expired_url,
            ),
            request_id=outbox.request_id(),
        )
        entries = RegisterEntries(domains=((domain.slug, DomainEntry(version, domain)),))
        await outbox.add_domain_event(connection, event, entries)
        return entries


def shown(row: Row) -> Domain:
    """The domain object of a row."""
    return Domain(
        id=row["id"],
        slug=row["slug"],
        verified=row["verified_at"] is not None,
        verification_record=VerificationRecord(
            "TXT", f"_codeqr.{row['slug']}", f"codeqr-verification={row['verification_token']}"
        ),
        primary=row["is_primary"],
        archived=row["archived"],
        root_url=row["root_url"],
        not_found_url=row["not_found_url"],
        expired_url=row["expired_url"],
        placeholder=row["placeholder"],
        created_at=clock.iso_or_none(row["created_at"]) or "",
        updated_at=clock.iso_or_none(row["updated_at"]) or "",
    )


def _new_row(domain_id: str, slug: str, project_id: str | None, verified_at: datetime | None) -> dict[str, Any]:
    moment = clock.now()
    return {
        "id": domain_id,
        "project_id": project_id,
        "slug": slug,
        "verified_at": verified_at,
        "verification_token": secrets.token_urlsafe(24),
        "created_at": moment,
        "updated_at": moment,
    }
