"""The register of short links: who holds a (domain, folded key), at which version.

A version is drawn by `INSERT … ON CONFLICT … DO UPDATE SET version = nextval(…)`: after the row's lock is held, so that
versions order everything that ever happened to one short link, deletions and later links on the same key included.
A link's row is never written without its name's lock.
"""

from typing import NamedTuple

from sqlalchemy import func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common import errors
from link_api.database import Outdated
from link_api.rows import fetch_number
from link_api.tables import short_links, versions


class Name(NamedTuple):
    """A short link's name, in the form in which names are compared."""

    domain: str
    folded: str


async def claim(connection: AsyncConnection, name: Name, link_id: str) -> int | None:
    """Give the name to the link. The new version, or None if another link holds it."""
    return await _advance(connection, name, holder=None, successor=link_id)


async def touch(connection: AsyncConnection, name: Name, link_id: str) -> int:
    """Lock the link's name for a change of the link. Raises `Outdated` if the link does not hold it any more."""
    return _held(await _advance(connection, name, holder=link_id, successor=link_id))


async def release(connection: AsyncConnection, name: Name, link_id: str) -> int:
    """Free the link's name. Raises `Outdated` if the link does not hold it any more."""
    return _held(await _advance(connection, name, holder=link_id, successor=None))


async def move(connection: AsyncConnection, old: Name, new: Name, link_id: str) -> int:
    """Free the old name and take the new one, both at one version, drawn when both are locked.

    The names are locked in sorted order, so that two moves that cross do not wait for each other. Raises `Outdated`,
    or 409 when another link holds the new name.
    """
    version = 0
    for name in sorted((old, new)):
        if name == old:
            version = await release(connection, name, link_id)
        else:
            version = taken_unless(await claim(connection, name, link_id), name)
    pair = tuple_(short_links.c.domain, short_links.c.key_folded).in_([old, new])
    await connection.execute(update(short_links).where(pair).values(version=version))
    return version


def taken_unless(version: int | None, name: Name) -> int:
    """`version`, or 409."""
    if version is None:
        raise errors.conflict(f"The key {name.folded} is already used on {name.domain}.")
    return version


async def holder_of(connection: AsyncConnection, name: Name) -> str | None:
    """The id of the link that holds the name."""
    query = select(short_links.c.link_id).where(
        short_links.c.domain == name.domain, short_links.c.key_folded == name.folded
    )
    return (await connection.execute(query)).scalar_one_or_none()


async def _advance(connection: AsyncConnection, name: Name, *, holder: str | None, successor: str | None) -> int | None:
    """Move the name from `holder` to `successor` at a new version, if `holder` holds it."""
    drawn = func.nextval(f"{versions.schema}.{versions.name}")
    statement = (
        insert(short_links)
        .values(domain=name.domain, key_folded=name.folded, version=drawn, link_id=successor)
        .on_conflict_do_update(
            index_elements=[short_links.c.domain, short_links.c.key_folded],
            set_={"version": drawn, "link_id": successor},
            where=short_links.c.link_id.is_not_distinct_from(holder),
        )
        .returning(short_links.c.version)
    )
    return await fetch_number(connection, statement)


def _held(version: int | None) -> int:
    if version is None:
        raise Outdated("the link has moved or is gone")
    return version
