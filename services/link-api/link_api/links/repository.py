"""The SQL of links. A row is a mapping of the columns of `links`, `tags` (objects, in order) and the live counters."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Text,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    text,
    type_coerce,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common.kafka.topics import LINK_EVENTS
from link_api.rows import Row, fetch_all, fetch_one_or_none
from link_api.tables import link_counters, link_tags, links, outbox, short_links, tags

COUNTERS = ("clicks", "leads", "sales", "sale_amount")
REDIRECT_COLUMNS = tuple(
    links.c[name]
    for name in (
        *("id", "project_id", "domain", "key", "url", "title", "created_at"),
        *("password_hash", "expires_at", "expired_url"),
    )
)


def _tags_of_link() -> ColumnElement[Any]:
    fields: list[ColumnElement[Any]] = []
    for name in ("id", "name", "color"):
        fields += [literal_column(f"'{name}'"), tags.c[name]]
    shown = func.jsonb_build_object(*fields)
    listed = func.jsonb_agg(aggregate_order_by(shown, link_tags.c.position), type_=JSONB)
    joined = link_tags.join(tags, tags.c.id == link_tags.c.tag_id)
    found = select(listed).select_from(joined).where(link_tags.c.link_id == links.c.id).scalar_subquery()
    return func.coalesce(found, text("'[]'::jsonb"), type_=JSONB).label("tags")


ROWS = select(
    *(column for column in links.c if column.name != "search_text"),
    *(func.coalesce(link_counters.c[name], literal_column("0")).label(name) for name in COUNTERS),
    link_counters.c.last_clicked,
    _tags_of_link(),
).select_from(links.outerjoin(link_counters, link_counters.c.link_id == links.c.id))

_PROJECT, _VALUE = bindparam("project_id", type_=Text), bindparam("value", type_=Text)
_BY_ID = ROWS.where(links.c.project_id == _PROJECT, links.c.id == _VALUE)
_BY_EXTERNAL_ID = ROWS.where(links.c.project_id == _PROJECT, links.c.external_id == _VALUE)
_BY_NAME = ROWS.join(short_links, short_links.c.link_id == links.c.id).where(
    links.c.project_id == _PROJECT, short_links.c.domain == bindparam("domain"), short_links.c.key_folded == _VALUE
)


def hot(statement: Any, *parameters: str) -> str:
    """The statement as asyncpg takes it, its parameters being `$1`, `$2` … in the order given."""
    dialect = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
    compiled = str(statement.compile(dialect=dialect))
    for number, name in enumerate(parameters, 1):
        compiled = re.sub(rf"(?<!:):{name}\b", f"${number}", compiled)
    return compiled


HOT_BY_ID = hot(_BY_ID, "project_id", "value")
HOT_BY_EXTERNAL_ID = hot(_BY_EXTERNAL_ID, "project_id", "value")
HOT_BY_NAME = hot(_BY_NAME, "project_id", "domain", "value")


async def oldest_to(connection: AsyncConnection, project_id: str, url: str) -> Row | None:
    """The project's oldest link to the URL."""
    same = func.hashtextextended(links.c.url, 0) == func.hashtextextended(url, 0)
    query = ROWS.where(links.c.project_id == project_id, same, links.c.url == url).order_by(links.c.id).limit(1)
    return await fetch_one_or_none(connection, query)


async def ids_of(connection: AsyncConnection, project_id: str, references: Sequence[str]) -> dict[str, str]:
    """Reference (an id, or `ext_` and an external id) → id, of those that are links of the project."""
    external = [reference.removeprefix("ext_") for reference in references if reference.startswith("ext_")]
    query = select(links.c.id, links.c.external_id).where(
        links.c.project_id == project_id,
        (links.c.id == func.any(type_coerce(list(references), ARRAY(Text))))
        | (links.c.external_id == func.any(type_coerce(external, ARRAY(Text)))),
    )
    found = await fetch_all(connection, query)
    known = {row["id"]: row["id"] for row in found}
    known |= {f"ext_{row['external_id']}": row["id"] for row in found if row["external_id"] is not None}
    return {reference: known[reference] for reference in references if reference in known}


async def by_ids(connection: AsyncConnection, ids: Sequence[str]) -> list[Row]:
    """Links of any project, in the order of `ids`; unknown ids are left out."""
    found = await fetch_all(connection, ROWS.where(links.c.id == func.any(type_coerce(list(ids), ARRAY(Text)))))
    rows = {row["id"]: row for row in found}
    return [rows[link_id] for link_id in ids if link_id in rows]


async def some_of_project(connection: AsyncConnection, project_id: str, limit: int) -> list[str]:
    """Ids of some of the project's links."""
    query = select(links.c.id).where(links.c.project_id == project_id).order_by(links.c.id).limit(limit)
    return list((await connection.scalars(query)).all())


async def waiting_deletions(connection: AsyncConnection, ids: Sequence[str]) -> list[bytes]:
    """The events of deletions of these links that are not published yet, oldest first."""
    query = select(outbox.c.value).where(
        outbox.c.topic == LINK_EVENTS,
        outbox.c.key == func.any(type_coerce(list(ids), ARRAY(Text))),
        outbox.c.headers["event-type"].astext == "link.deleted",
    )
    return [bytes(value) for value in await connection.scalars(query.order_by(outbox.c.id))]


async def change(
    connection: AsyncConnection, values: Mapping[str, Any], derived: Mapping[str, tuple[str, bool]]
) -> None:
    """Set `values` on every link of `derived`: id → what follows from the rest (`search_text`, `filled`)."""
    rows = (
        func.unnest(
            type_coerce(list(derived), ARRAY(Text)),
            type_coerce([search for search, _ in derived.values()], ARRAY(Text)),
            type_coerce([filled for _, filled in derived.values()], ARRAY(links.c.filled.type)),
        )
        .table_valued("id", "search_text", "filled")
        .render_derived("derived")
    )
    own = {"search_text": rows.c.search_text, "filled": rows.c.filled}
    await connection.execute(update(links).where(links.c.id == rows.c.id).values(**values, **own))


async def remove(connection: AsyncConnection, ids: Sequence[str]) -> None:
    """Delete links and their counters, whose rows are locked in the order in which counting locks them."""
    chosen = type_coerce(list(ids), ARRAY(Text))
    await connection.execute(delete(links).where(links.c.id == func.any(chosen)))
    locked = (
        select(link_counters.c.link_id)
        .where(link_counters.c.link_id == func.any(chosen))
        .order_by(link_counters.c.link_id)
        .with_for_update()
        .cte("locked")
    )
    await connection.execute(delete(link_counters).where(link_counters.c.link_id.in_(select(locked.c.link_id))))


async def set_tags(connection: AsyncConnection, link_ids: Sequence[str], tag_ids: Sequence[str]) -> None:
    """Make these the tags of each of the links, in this order."""
    await connection.execute(
        delete(link_tags).where(link_tags.c.link_id == func.any(type_coerce(list(link_ids), ARRAY(Text))))
    )
    rows = [
        {"link_id": link_id, "tag_id": tag_id, "position": position}
        for link_id in link_ids
        for position, tag_id in enumerate(tag_ids)
    ]
    if rows:
        await connection.execute(insert(link_tags).values(rows))
