"""The register of short links: who holds a (domain, folded key), at which version.

A version is drawn by `INSERT … ON CONFLICT … DO UPDATE SET version = nextval(…)`: after the row's lock is held, so that
versions order everything that ever happened to one short link, deletions and later links on the same key included.
A link's row is never written without its name's lock.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Text, and_, bindparam, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common import errors
from codeqr_common.errors import ApiError
from link_api.database import Outdated
from link_api.rows import fetch_number
from link_api.tables import links, short_links, versions

_DRAWN = func.nextval(f"{versions.schema}.{versions.name}")
_OF_LINKS = (
    select(short_links.c.domain, short_links.c.key_folded, short_links.c.link_id)
    .join(
        links,
        and_(
            links.c.id == short_links.c.link_id,
            links.c.domain == short_links.c.domain,
            links.c.key_folded == short_links.c.key_folded,
        ),
    )
    .where(links.c.id == func.any(bindparam("ids", type_=ARRAY(Text))))
    .order_by(short_links.c.domain, short_links.c.key_folded)
    .with_for_update(of=short_links)
)


class Name(NamedTuple):
    """A short link's name, in the form in which names are compared."""

    domain: str
    folded: str


async def touch(connection: AsyncConnection, link_ids: Sequence[str], *, release: bool = False) -> dict[str, int]:
    """Lock the names of these links and draw a version for each: link id → version. `release` frees the names.

    A link without a name is gone, and is left out. Names are locked in sorted order, so that calls that share some do
    not wait for each other.
    """
    held = _OF_LINKS.params(ids=list(link_ids))
    rows = [tuple(row) for row in await connection.execute(held)]
    if not rows:
        return {}
    statement = (
        update(short_links)
        .where(tuple_(short_links.c.domain, short_links.c.key_folded).in_([row[:2] for row in rows]))
        .values(version=_DRAWN, link_id=None if release else short_links.c.link_id)
        .returning(short_links.c.domain, short_links.c.key_folded, short_links.c.version)
    )
    drawn = {(row[0], row[1]): row[2] for row in await connection.execute(statement)}
    return {link_id: drawn[domain, folded] for domain, folded, link_id in rows}


async def move(connection: AsyncConnection, old: Name, new: Name, link_id: str) -> int:
    """Free the old name and take the new one, both at one version, drawn when both are locked.

    The names are locked in sorted order, so that two moves that cross do not wait for each other. Raises `Outdated`,
    or 409 when another link holds the new name.
    """
    version = 0
    for name in sorted((old, new)):
        is_old = name == old
        drawn = await _advance(
            connection, name, holder=link_id if is_old else None, successor=None if is_old else link_id
        )
        if drawn is None and is_old:
            raise Outdated("the link has moved or is gone")
        if drawn is None:
            raise key_used(name)
        version = drawn
    pair = tuple_(short_links.c.domain, short_links.c.key_folded).in_([old, new])
    await connection.execute(update(short_links).where(pair).values(version=version))
    return version


def key_used(name: Name) -> ApiError:
    """409."""
    return errors.conflict(f"The key {name.folded} is already used on {name.domain}.")


async def holder_of(connection: AsyncConnection, name: Name) -> str | None:
    """The id of the link that holds the name."""
    query = select(short_links.c.link_id).where(
        short_links.c.domain == name.domain, short_links.c.key_folded == name.folded
    )
    return (await connection.execute(query)).scalar_one_or_none()


async def _advance(connection: AsyncConnection, name: Name, *, holder: str | None, successor: str | None) -> int | None:
    """Move the name from `holder` to `successor` at a new version, if `holder` holds it."""
    statement = (
        insert(short_links)
        .values(domain=name.domain, key_folded=name.folded, version=_DRAWN, link_id=successor)
        .on_conflict_do_update(
            index_elements=[short_links.c.domain, short_links.c.key_folded],
            set_={"version": _DRAWN, "link_id": successor},
            where=short_links.c.link_id.is_not_distinct_from(holder),
        )
        .returning(short_links.c.version)
    )
    return await fetch_number(connection, statement)
