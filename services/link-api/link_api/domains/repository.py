"""The SQL of domains, and of the register that says who holds a slug.

Locks are taken in one order: the project (when its primary domain moves), the slug, the domain's row. A claim that has
lapsed is as good as removed.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Text,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    true,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common import errors
from codeqr_common.errors import ApiError
from link_api import clock
from link_api.database import Outdated, constraint_of
from link_api.domains.schemas import ListDomains
from link_api.domains.validation import comparable_slug
from link_api.rows import Row, fetch_all, fetch_number, fetch_one, fetch_one_or_none
from link_api.tables import domains, links, projects, short_domains, short_links, versions

CLAIMS_LAST = timedelta(days=7)
LINK_COLUMNS = (
    "domain",
    "key_folded",
    "url",
    "ios",
    "android",
    "page_url",
    "geo",
    "rules",
    "expires_at",
    "expired_url",
)
_DRAWN = func.nextval(f"{versions.schema}.{versions.name}")
IS_PRIMARY = and_(domains.c.is_primary, domains.c.verified_at.is_not(None))
"""A claim may be meant to be the primary domain; it is that once it is verified."""
_PLACE = func.concat(case((IS_PRIMARY, "0"), else_="1"), domains.c.id)
"""A domain's place in its project's list: the primary one first, then in the order they came."""


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
    statement = (
        upsert(short_domains)
        .values(slug=slug, version=_DRAWN, domain_id=domain_id)
        .on_conflict_do_update(
            index_elements=[short_domains.c.slug],
            set_={"version": _DRAWN, "domain_id": domain_id},
            where=short_domains.c.domain_id.is_(None),
        )
        .returning(short_domains.c.version)
    )
    return await fetch_number(connection, statement)


async def is_held(connection: AsyncConnection, slug: str) -> bool:
    """Whether some domain is verified under the slug."""
    query = select(true()).where(short_domains.c.slug == slug, short_domains.c.domain_id.is_not(None))
    return (await connection.execute(query)).scalar_one_or_none() is not None


async def touch(connection: AsyncConnection, slug: str, domain_id: str, *, release: bool = False) -> int:
    """Lock the slug that the domain holds and draw a version; `release` frees it. Raises `Outdated` if it does not."""
    mine = (short_domains.c.slug == slug, short_domains.c.domain_id == domain_id)
    await connection.execute(select(true()).select_from(short_domains).where(*mine).with_for_update())
    values: dict[str, Any] = {"version": _DRAWN, **({"domain_id": None} if release else {})}
    command = update(short_domains).where(*mine).values(values).returning(short_domains.c.version)
    version = await fetch_number(connection, command)
    if version is None:
        raise Outdated("the domain has just been deleted")
    return version


def is_there() -> ColumnElement[bool]:
    """Verified, or claimed not too long ago."""
    return or_(domains.c.verified_at.is_not(None), domains.c.created_at >= clock.now() - CLAIMS_LAST)


async def own(connection: AsyncConnection, project_id: str, slug: str) -> Row | None:
    """The project's domain with this slug."""
    mine = (domains.c.project_id == project_id, domains.c.slug == comparable_slug(slug))
    return await fetch_one_or_none(connection, select(domains).where(*mine, is_there()))


async def by_id(connection: AsyncConnection, project_id: str, domain_id: str) -> Row | None:
    """The project's domain with this id."""
    mine = (domains.c.project_id == project_id, domains.c.id == domain_id)
    return await fetch_one_or_none(connection, select(domains).where(*mine, is_there()))


async def placed(connection: AsyncConnection, project_id: str, asked: ListDomains) -> ListDomains | None:
    """The query with its cursor as a place in the list. None for a cursor that is no domain's id."""
    cursor = "starting_after" if asked.starting_after is not None else "ending_before"
    domain_id = getattr(asked, cursor)
    if domain_id is None:
        return asked
    mine = (domains.c.project_id == project_id, domains.c.id == domain_id)
    place = (await connection.execute(select(_PLACE).where(*mine, is_there()))).scalar_one_or_none()
    return None if place is None else asked.model_copy(update={cursor: place})


async def page(connection: AsyncConnection, project_id: str, asked: ListDomains) -> list[Row]:
    """The project's own domains, as `placed` gave the query. A project's are few: they are sorted when asked for."""
    query = select(domains).where(domains.c.project_id == project_id, is_there())
    return asked.in_order(await fetch_all(connection, asked.part(query, _PLACE, descending=False)))


async def change(connection: AsyncConnection, row: Row, values: Mapping[str, Any]) -> Row:
    """The domain after the change.

    Raises `Outdated` when it is gone, or has been verified or has become or ceased to be primary since `row` was read.
    """
    same = (
        domains.c.id == row["id"],
        domains.c.verified_at.is_not_distinct_from(row["verified_at"]),
        domains.c.is_primary == row["is_primary"],
    )
    changed = await fetch_one_or_none(connection, update(domains).where(*same).values(values).returning(domains))
    if changed is None:
        raise Outdated("the domain has just been changed")
    return changed


async def remove(connection: AsyncConnection, row: Row) -> None:
    """Delete the domain. Raises 409 while it has links, those being made included, and `Outdated` as `change` does."""
    if await has_links(connection, row["id"]):
        raise has_links_still(row["slug"])
    same = (domains.c.id == row["id"], domains.c.verified_at.is_not_distinct_from(row["verified_at"]))
    try:
        removed = (await connection.execute(delete(domains).where(*same))).rowcount
    except IntegrityError as error:
        if constraint_of(error) == "links_domain":
            raise has_links_still(row["slug"]) from error
        raise
    if not removed:
        raise Outdated("the domain has just been changed")


def has_links_still(slug: str) -> ApiError:
    return errors.conflict(f"The domain {slug} still has links.")


async def has_links(connection: AsyncConnection, domain_id: str) -> bool:
    return bool((await connection.execute(select(exists().where(links.c.domain_id == domain_id)))).scalar_one())


async def lock_project(connection: AsyncConnection, project_id: str) -> None:
    """Before a project's primary domain is moved: one at a time does so."""
    lock = select(projects.c.id).where(projects.c.id == project_id).with_for_update(key_share=True)
    await connection.execute(lock)


async def take_primary(connection: AsyncConnection, project_id: str, domain_id: str, moment: datetime) -> None:
    """No other domain of the project, which is locked, is the primary one after this.

    Claims that are meant to be it, once they are verified, still are.
    """
    primary = (domains.c.project_id == project_id, domains.c.id != domain_id, IS_PRIMARY)
    await connection.execute(update(domains).where(*primary).values(is_primary=False, updated_at=moment))


async def drop_lapsed(connection: AsyncConnection, project_id: str, slug: str) -> None:
    """Make room for a new claim of the same slug."""
    mine = (domains.c.project_id == project_id, domains.c.slug == slug)
    await connection.execute(delete(domains).where(*mine, ~is_there()))


async def verified_of_project(connection: AsyncConnection, project_id: str, limit: int) -> list[str]:
    """The ids of some of the project's verified domains."""
    verified = (domains.c.project_id == project_id, domains.c.verified_at.is_not(None))
    query = select(domains.c.id).where(*verified).order_by(domains.c.id).limit(limit)
    return list((await connection.scalars(query)).all())


LINK_COLUMNS = (
    "domain",
    "key_folded",
    "url",
    "ios",
    "android",
    "page_url",
    "geo",
    "rules",
    "expires_at",
    "expired_url",
)


async def links_at(connection: AsyncConnection, names: Sequence[tuple[str, str]]) -> list[Row]:
    """The links at these (slug, folded key)s, as far as it matters where they lead."""
    at = tuple_(short_links.c.domain, short_links.c.key_folded).in_(list(names))
    joined = links.join(short_links, short_links.c.link_id == links.c.id)
    return await fetch_all(connection, select(*(links.c[name] for name in LINK_COLUMNS)).select_from(joined).where(at))


async def urls_of(connection: AsyncConnection, slugs: Sequence[str]) -> list[Row]:
    """The verified domains with these slugs: where each sends visitors of its root, and of keys that are no links."""
    joined = domains.join(short_domains, short_domains.c.domain_id == domains.c.id)
    query = select(domains.c.slug, domains.c.root_url, domains.c.not_found_url).select_from(joined)
    return await fetch_all(
        connection, query.where(short_domains.c.slug == func.any(type_coerce(list(slugs), ARRAY(Text))))
    )
