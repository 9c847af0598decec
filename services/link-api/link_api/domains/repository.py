"""The SQL of domains, and of the register that says who holds a slug."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import func, insert, or_, select, true
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common import errors
from link_api.domains.validation import comparable_slug
from link_api.rows import Row, fetch_all, fetch_number, fetch_one
from link_api.tables import domains, short_domains, versions


class LinkDomain(NamedTuple):
    """A domain that a link may live on."""

    id: str
    slug: str


async def for_links(connection: AsyncConnection, project_id: str, slug: str | None) -> LinkDomain:
    """The verified domain `slug`, or the project's default one. Raises 403 when the project may not use it.

    The default: the project's primary domain, else its first, else the first shared one.
    """
    if slug is None:
        return await _default(connection, project_id)
    query = (
        select(domains.c.id, domains.c.slug, domains.c.project_id)
        .select_from(short_domains.join(domains, domains.c.id == short_domains.c.domain_id))
        .where(short_domains.c.slug == comparable_slug(slug))
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None or row.project_id not in (None, project_id):
        raise errors.forbidden(f"{slug} is not a verified domain of this project.")
    return LinkDomain(row.id, row.slug)


async def _default(connection: AsyncConnection, project_id: str) -> LinkDomain:
    query = (
        select(domains.c.id, domains.c.slug)
        .where(domains.c.verified_at.is_not(None), domains.c.archived.is_(False))
        .where(or_(domains.c.project_id == project_id, domains.c.project_id.is_(None)))
        .order_by(domains.c.project_id.is_(None), domains.c.is_primary.desc(), domains.c.created_at, domains.c.id)
        .limit(1)
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise errors.forbidden("This project has no verified domain, and there is no shared one.")
    return LinkDomain(row.id, row.slug)


async def add(connection: AsyncConnection, values: Mapping[str, Any]) -> Row:
    return await fetch_one(connection, insert(domains).values(**values).returning(domains))


async def claim(connection: AsyncConnection, slug: str, domain_id: str) -> int | None:
    """Give the slug to the domain. The new version, drawn under the slug's lock; None if another domain holds it."""
    drawn = func.nextval(f"{versions.schema}.{versions.name}")
    statement = (
        upsert(short_domains)
        .values(slug=slug, version=drawn, domain_id=domain_id)
        .on_conflict_do_update(
            index_elements=[short_domains.c.slug],
            set_={"version": drawn, "domain_id": domain_id},
            where=short_domains.c.domain_id.is_(None),
        )
        .returning(short_domains.c.version)
    )
    return await fetch_number(connection, statement)


async def is_held(connection: AsyncConnection, slug: str) -> bool:
    """Whether some domain is verified under the slug."""
    query = select(true()).where(short_domains.c.slug == slug, short_domains.c.domain_id.is_not(None))
    return (await connection.execute(query)).scalar_one_or_none() is not None


async def page(connection: AsyncConnection, project_id: str, limit: int, offset: int) -> list[Row]:
    """The project's own domains, the primary one first, then in the order they came."""
    query = (
        select(domains)
        .where(domains.c.project_id == project_id)
        .order_by(domains.c.is_primary.desc(), domains.c.created_at, domains.c.id)
        .limit(limit)
        .offset(offset)
    )
    return await fetch_all(connection, query)
