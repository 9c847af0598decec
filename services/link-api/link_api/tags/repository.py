"""The SQL of tags."""

import unicodedata
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from sqlalchemy import Text, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common import errors
from codeqr_common.ids import new_id
from link_api import clock
from link_api.rows import Row, fetch_all, fetch_one, fetch_one_or_none
from link_api.tables import tags
from link_api.tags.schemas import MAX_NAME, Color, ListTags

COLORS: tuple[str, ...] = get_args(Color)
MOST_AT_ONCE = 1_000
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
    """The tags that are asked for, in no order; names that are not there yet are made.

    An entry of `ids_or_names` that is no id of this project is a name. Raises 422 for names that are too long.
    """
    asked = [*ids_or_names, *names]
    if not asked:
        return []
    found = await _find(connection, project_id, ids_or_names, asked)
    known = {tag["id"] for tag in found} & set(ids_or_names) | {tag["name_folded"] for tag in found}
    missing = {fold_name(entry): entry for entry in reversed(asked) if not {entry, fold_name(entry)} & known}
    if missing:
        await _make(connection, project_id, missing)
        found = await _find(connection, project_id, ids_or_names, asked)
    return [{name: tag[name] for name in ("id", "name", "color")} for tag in found]


async def placed(connection: AsyncConnection, project_id: str, asked: ListTags) -> ListTags | None:
    """The query with its cursor as a place in the list, which goes by name. None for a cursor that is no tag's id."""
    cursor = "starting_after" if asked.starting_after is not None else "ending_before"
    tag_id = getattr(asked, cursor)
    if tag_id is None:
        return asked
    query = select(tags.c.name_folded).where(tags.c.project_id == project_id, tags.c.id == tag_id)
    folded = (await connection.execute(query)).scalar_one_or_none()
    return None if folded is None else asked.model_copy(update={cursor: folded})


async def page(connection: AsyncConnection, project_id: str, asked: ListTags) -> list[Row]:
    """Tags by name, as `placed` gave the query. No two of a project's have one folded name, so its index sorts them.

    A search looks at all tags of the project, of which there are few.
    """
    query = select(tags.c.id, tags.c.name, tags.c.color).where(tags.c.project_id == project_id)
    if asked.search:
        query = query.where(func.strpos(tags.c.name_folded, fold_name(asked.search)) > 0)
    return asked.in_order(await fetch_all(connection, asked.part(query, tags.c.name_folded, descending=False)))


async def add(connection: AsyncConnection, project_id: str, name: str, color: str) -> Row:
    return await fetch_one(connection, insert(tags).values(_new_row(project_id, name, color)).returning(tags))


async def change(connection: AsyncConnection, project_id: str, tag_id: str, values: Mapping[str, Any]) -> Row | None:
    """The tag after the change; None if the project has no such tag."""
    of_project = (tags.c.project_id == project_id, tags.c.id == tag_id)
    if not values:
        return await fetch_one_or_none(connection, select(tags).where(*of_project))
    return await fetch_one_or_none(connection, update(tags).where(*of_project).values(values).returning(tags))


async def remove(connection: AsyncConnection, project_id: str, tag_id: str) -> bool:
    """Whether it was there. Links lose it by the foreign key of `link_tags`."""
    command = delete(tags).where(tags.c.project_id == project_id, tags.c.id == tag_id)
    return (await connection.execute(command)).rowcount > 0


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
    rows = [_new_row(project_id, name, color_of(name)) for _, name in sorted(names.items())]
    for start in range(0, len(rows), MOST_AT_ONCE):  # a statement has room for 32,767 parameters
        statement = insert(tags).values(rows[start : start + MOST_AT_ONCE])
        await connection.execute(statement.on_conflict_do_nothing(index_elements=["project_id", "name_folded"]))


def _new_row(project_id: str, name: str, color: str) -> dict[str, Any]:
    return {
        "id": new_id("tag"),
        "project_id": project_id,
        "name": name,
        "name_folded": fold_name(name),
        "color": color,
        "created_at": clock.now(),
    }
