"""The SQL of tags."""

import unicodedata
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Text, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common import errors
from codeqr_common.ids import new_id
from link_api import clock
from link_api.rows import Row, fetch_all
from link_api.tables import tags

COLORS = ("red", "yellow", "green", "blue", "purple", "pink", "brown")
MAX_NAME = 190
Tag = dict[str, Any]
"""`{id, name, color}`."""


def fold_name(name: str) -> str:
    """The form in which names are compared: without case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def color_of(name: str) -> str:
    """The colour of a tag that was made by its name alone."""
    return COLORS[zlib.crc32(fold_name(name).encode()) % len(COLORS)]


async def ensure(
    connection: AsyncConnection, project_id: str, ids_or_names: Sequence[str], names: Sequence[str]
) -> list[Tag]:
    """The tags that are asked for, in that order and each once; names that are not there yet are made.

    An entry of `ids_or_names` that is no id of this project is a name. Raises 422 for names that are too long.
    """
    asked = [*ids_or_names, *names]
    if not asked:
        return []
    found = await _find(connection, project_id, ids_or_names, asked)
    missing = {fold_name(entry): entry for entry in reversed(asked) if _pick(found, entry, ids_or_names) is None}
    if missing:
        await _make(connection, project_id, missing)
        found = await _find(connection, project_id, ids_or_names, asked)
    picked = [tag for entry in asked if (tag := _pick(found, entry, ids_or_names))]
    return list({tag["id"]: tag for tag in picked}.values())


async def page(connection: AsyncConnection, project_id: str, search: str | None, limit: int, offset: int) -> list[Tag]:
    """Tags by name."""
    query = select(tags.c.id, tags.c.name, tags.c.color).where(tags.c.project_id == project_id)
    if search:
        query = query.where(tags.c.name.icontains(search, autoescape=True))
    query = query.order_by(tags.c.name_folded, tags.c.id).limit(limit).offset(offset)
    return [dict(row) for row in await fetch_all(connection, query)]


def _pick(found: Sequence[Row], entry: str, ids: Sequence[str]) -> Tag | None:
    by_id = next((tag for tag in found if entry in ids and tag["id"] == entry), None)
    tag = by_id or next((tag for tag in found if tag["name_folded"] == fold_name(entry)), None)
    return None if tag is None else {name: tag[name] for name in ("id", "name", "color")}


async def _find(
    connection: AsyncConnection, project_id: str, ids: Sequence[str], names: Sequence[str]
) -> Sequence[Row]:
    folded = [fold_name(name) for name in names]
    wanted = or_(
        tags.c.id == func.any(literal(list(ids), ARRAY(Text))),
        tags.c.name_folded == func.any(literal(folded, ARRAY(Text))),
    )
    return await fetch_all(connection, select(tags).where(tags.c.project_id == project_id, wanted))


async def _make(connection: AsyncConnection, project_id: str, names: Mapping[str, str]) -> None:
    """Insert tags by folded name, in sorted order so that two calls that make the same ones do not cross."""
    if any(not name or len(name) > MAX_NAME for name in names.values()):
        raise errors.unprocessable_entity(f"tagNames: a name has 1 to {MAX_NAME} characters")
    rows = [
        {
            "id": new_id("tag"),
            "project_id": project_id,
            "name": name,
            "name_folded": folded,
            "color": color_of(name),
            "created_at": clock.now(),
        }
        for folded, name in sorted(names.items())
    ]
    statement = insert(tags).values(rows).on_conflict_do_nothing(index_elements=["project_id", "name_folded"])
    await connection.execute(statement)
