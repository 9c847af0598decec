"""The SQL of API keys. Only a key's SHA-256 and its last four characters are stored."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common.auth.keys import KeyIdentity, hash_key, new_key
from codeqr_common.ids import new_id
from codeqr_common.times import to_ms
from link_api import clock
from link_api.tables import api_keys, projects

LAST_USED_EVERY = timedelta(minutes=1)


async def add(
    connection: AsyncConnection, *, project_id: str, user_id: str, name: str, scopes: Sequence[str], rate_limit: int
) -> str:
    """Make a key. Gives the key itself, which is never to be seen again. `rate_limit`: requests a minute, 0 = none."""
    key = new_key()
    values = {
        "id": new_id("tok"),
        "project_id": project_id,
        "user_id": user_id,
        "name": name,
        "hash": hash_key(key),
        "last_four": key[-4:],
        "scopes": list(scopes),
        "rate_limit": rate_limit,
        "created_at": clock.now(),
    }
    await connection.execute(insert(api_keys).values(**values))
    return key


async def identity_of(connection: AsyncConnection, key_hash: str) -> tuple[KeyIdentity, datetime | None] | None:
    """Who the key is and when it was last noted as used; None for one that is unknown or revoked."""
    query = (
        select(api_keys, projects.c.slug.label("project_slug"))
        .join(projects, projects.c.id == api_keys.c.project_id)
        .where(api_keys.c.hash == key_hash, api_keys.c.revoked_at.is_(None))
    )
    row = (await connection.execute(query)).mappings().one_or_none()
    if row is None:
        return None
    identity = KeyIdentity(
        key_id=row["id"],
        project_id=row["project_id"],
        project_slug=row["project_slug"],
        user_id=row["user_id"],
        scopes=tuple(row["scopes"]),
        rate_limit=row["rate_limit"],
        expires_at_ms=None if row["expires_at"] is None else to_ms(row["expires_at"]),
        publishable=row["publishable"],
    )
    return identity, row["last_used"]


def is_due(last_used: datetime | None, moment: datetime) -> bool:
    """Whether a use at `moment` is to be noted."""
    return last_used is None or moment - last_used >= LAST_USED_EVERY


async def note_use(connection: AsyncConnection, key_id: str, moment: datetime) -> None:
    """Note that the key was used, unless somebody just has."""
    stale = or_(api_keys.c.last_used.is_(None), api_keys.c.last_used <= moment - LAST_USED_EVERY)
    await connection.execute(update(api_keys).where(api_keys.c.id == key_id, stale).values(last_used=moment))
