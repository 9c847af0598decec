"""The SQL of API keys. Only a key's SHA-256 and its last four characters are stored."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    and_,
    column,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy import Text as SqlText
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common.auth.keys import KeyIdentity, hash_key, new_key
from codeqr_common.ids import new_id
from codeqr_common.times import to_ms
from link_api import clock
from link_api.paging import Paging
from link_api.rows import Row, fetch_all, fetch_one, fetch_one_or_none
from link_api.tables import api_keys, key_usage, projects, users

LAST_USED_EVERY = timedelta(minutes=1)
_LIVE = api_keys.c.revoked_at.is_(None)


class Found(NamedTuple):
    """Who a key is, and when it was last noted as used."""

    identity: KeyIdentity
    last_used: datetime | None


async def add(
    connection: AsyncConnection, *, project_id: str, user_id: str, name: str, scopes: Sequence[str], rate_limit: int
) -> str:
    """Make a key. Gives the key itself, which is never to be seen again. `rate_limit`: requests a minute, 0 = none."""
    key = new_key()
    values = {"project_id": project_id, "user_id": user_id, "name": name, "scopes": scopes, "rate_limit": rate_limit}
    await insert_key(connection, key, values)
    return key


async def insert_key(connection: AsyncConnection, key: str, values: Mapping[str, Any]) -> Row:
    """Store a new key with these columns."""
    moment = clock.now()
    columns = {
        "id": new_id("tok"),
        "hash": hash_key(key),
        "last_four": key[-4:],
        "created_at": moment,
        "updated_at": moment,
        **values,
        "scopes": list(values["scopes"]),
    }
    return await fetch_one(connection, insert(api_keys).values(**columns).returning(api_keys))


async def identity_of(connection: AsyncConnection, key_hash: str) -> Found | None:
    """Who the key is; None for one that is unknown or revoked.

    The secret before the last rotation is the key as well, and expires when the overlap ends.
    """
    replaced = and_(api_keys.c.previous_hash == key_hash, api_keys.c.previous_until > func.now())
    query = (
        select(api_keys, projects.c.slug.label("project_slug"))
        .join(projects, projects.c.id == api_keys.c.project_id)
        .where(or_(api_keys.c.hash == key_hash, replaced), _LIVE, projects.c.deleted_at.is_(None))
    )
    row = await fetch_one_or_none(connection, query)
    if row is None:
        return None
    ends = expiry(row, key_hash)
    identity = KeyIdentity(
        key_id=row["id"],
        project_id=row["project_id"],
        project_slug=row["project_slug"],
        user_id=row["user_id"],
        scopes=tuple(row["scopes"]),
        rate_limit=row["rate_limit"],
        expires_at_ms=None if ends is None else to_ms(ends),
        publishable=row["publishable"],
        secret_hash=key_hash,
    )
    return Found(identity, row["last_used"])


def expiry(row: Row, key_hash: str) -> datetime | None:
    """When the secret with this hash, one of the row's two, ends to work."""
    ends = [row["expires_at"], row["previous_until"] if key_hash == row["previous_hash"] else None]
    return min((end for end in ends if end is not None), default=None)


def is_due(last_used: datetime | None, moment: datetime) -> bool:
    """Whether a use at `moment` is to be noted."""
    return last_used is None or moment - last_used >= LAST_USED_EVERY


async def note_use(connection: AsyncConnection, key_id: str, moment: datetime) -> None:
    """Note that the key was used, unless somebody just has."""
    stale = or_(api_keys.c.last_used.is_(None), api_keys.c.last_used <= moment - LAST_USED_EVERY)
    await connection.execute(update(api_keys).where(api_keys.c.id == key_id, stale).values(last_used=moment))


async def page(connection: AsyncConnection, project_id: str, paging: Paging) -> list[Row]:
    """The project's keys that are not revoked, newest first."""
    query = select(api_keys).where(api_keys.c.project_id == project_id, _LIVE)
    rows = await fetch_all(connection, paging.part(query, api_keys.c.id, descending=True))
    return paging.in_order(rows)


async def lock(connection: AsyncConnection, project_id: str, key_ids: Sequence[str]) -> dict[str, Row]:
    """The project's keys with these ids that are not revoked, locked against changes until the transaction ends."""
    query = (
        select(api_keys)
        .where(api_keys.c.project_id == project_id, _is_one_of(api_keys.c.id, key_ids), _LIVE)
        .order_by(api_keys.c.id)
        .with_for_update()
    )
    return {row["id"]: row for row in await fetch_all(connection, query)}


async def change(connection: AsyncConnection, key_id: str, values: Mapping[str, Any]) -> Row:
    statement = update(api_keys).where(api_keys.c.id == key_id).values(**values, updated_at=clock.now())
    return await fetch_one(connection, statement.returning(api_keys))


async def add_usage(connection: AsyncConnection, day: date, requests: Mapping[str, int]) -> None:
    """Add to the day's usage of keys, in the order of ids: several processes do so at once."""
    key_ids = sorted(requests)
    unnested = func.unnest(
        literal(key_ids, ARRAY(SqlText)), literal([requests[key_id] for key_id in key_ids], ARRAY(BigInteger))
    )
    columns = (column("key_id", SqlText), column("requests", BigInteger))
    given = unnested.table_valued(*columns, name="given").render_derived()
    rows = select(given.c.key_id, literal(day), given.c.requests).order_by(given.c.key_id)
    statement = upsert(key_usage).from_select(["key_id", "day", "requests"], rows)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["key_id", "day"], set_={"requests": key_usage.c.requests + statement.excluded.requests}
        )
    )


async def usage(connection: AsyncConnection, key_ids: Sequence[str], since: date) -> dict[str, dict[date, int]]:
    """Requests of keys by day, from `since` on."""
    query = select(key_usage).where(_is_one_of(key_usage.c.key_id, key_ids), key_usage.c.day >= since)
    found: dict[str, dict[date, int]] = {key_id: {} for key_id in key_ids}
    for row in await fetch_all(connection, query):
        found[row["key_id"]][row["day"]] = row["requests"]
    return found


async def remove_old_usage(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """Delete at most `limit` days of usage that lie before a time. Gives their number."""
    names = (key_usage.c.key_id, key_usage.c.day)
    old = select(*names).where(key_usage.c.day < before.date()).limit(limit).with_for_update(skip_locked=True)
    return (await connection.execute(delete(key_usage).where(tuple_(*names).in_(old)))).rowcount


async def count_old_usage(connection: AsyncConnection, before: datetime, limit: int) -> int:
    """How many wait to be deleted; counts no further than `limit`."""
    old = select(true()).select_from(key_usage).where(key_usage.c.day < before.date()).limit(limit).subquery()
    return int((await connection.execute(select(func.count()).select_from(old))).scalar_one())


async def user_of(connection: AsyncConnection, key_id: str) -> Row | None:
    """The user that a key acts for, and its project."""
    query = (
        select(
            users.c.id,
            users.c.name,
            projects.c.id.label("project_id"),
            projects.c.slug.label("project_slug"),
            projects.c.name.label("project_name"),
        )
        .select_from(api_keys)
        .join(users, users.c.id == api_keys.c.user_id)
        .join(projects, projects.c.id == api_keys.c.project_id)
        .where(api_keys.c.id == key_id, _LIVE)
    )
    return await fetch_one_or_none(connection, query)


def _is_one_of(column: ColumnElement[Any], values: Sequence[str]) -> ColumnElement[bool]:
    return column == func.any(literal(list(values), ARRAY(SqlText)))
