"""The SQL of links. A row is a mapping of the columns of `links`, `tags` (objects, in order) and the live counters."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common.kafka.topics import LINK_EVENTS
from link_api.domains.validation import comparable_slug
from link_api.links.schemas import LinkFilters
from link_api.rows import Row, fetch_all, fetch_one, fetch_one_or_none
from link_api.tables import link_counters, link_tags, links, outbox, tags
from link_api.tags.repository import fold_name

COUNTERS = ("clicks", "leads", "sales", "sale_amount")
REDIRECT_COLUMNS = tuple(links.c[name] for name in ("id", "project_id", "domain", "key", "url", "title", "created_at"))


def _tags_of_link() -> ColumnElement[Any]:
    shown = func.jsonb_build_object("id", tags.c.id, "name", tags.c.name, "color", tags.c.color)
    listed = func.jsonb_agg(aggregate_order_by(shown, link_tags.c.position), type_=JSONB)
    joined = link_tags.join(tags, tags.c.id == link_tags.c.tag_id)
    found = select(listed).select_from(joined).where(link_tags.c.link_id == links.c.id).scalar_subquery()
    return func.coalesce(found, type_coerce([], JSONB)).label("tags")


_ROWS = select(
    links,
    *(func.coalesce(link_counters.c[name], 0).label(name) for name in COUNTERS),
    link_counters.c.last_clicked,
    _tags_of_link(),
).select_from(links.outerjoin(link_counters, link_counters.c.link_id == links.c.id))


async def find(connection: AsyncConnection, project_id: str, reference: str) -> Row | None:
    """The project's link with this id, or with this external id after `ext_`."""
    if reference.startswith("ext_"):
        return await _one(connection, project_id, links.c.external_id == reference.removeprefix("ext_"))
    return await _one(connection, project_id, links.c.id == reference)


async def by_ids(connection: AsyncConnection, ids: Sequence[str]) -> list[Row]:
    """Links of any project, in no order; unknown ids are left out."""
    query = _ROWS.where(links.c.id == func.any(type_coerce(list(ids), ARRAY(Text))))
    return await fetch_all(connection, query)


async def waiting_deletions(connection: AsyncConnection, ids: Sequence[str]) -> list[bytes]:
    """The events of deletions of these links that are not published yet, oldest first."""
    query = select(outbox.c.value).where(
        outbox.c.topic == LINK_EVENTS,
        outbox.c.key == func.any(type_coerce(list(ids), ARRAY(Text))),
        outbox.c.headers["event-type"].astext == "link.deleted",
    )
    return [bytes(value) for value in await connection.scalars(query.order_by(outbox.c.id))]


async def page(connection: AsyncConnection, project_id: str, filters: LinkFilters) -> list[Row]:
    """One page of the project's links, newest first."""
    query = _filtered(_ROWS.where(links.c.project_id == project_id), filters)
    query = query.order_by(links.c.created_at.desc(), links.c.id.desc())
    query = query.limit(filters.page_size).offset((filters.page - 1) * filters.page_size)
    return await fetch_all(connection, query)


async def add(connection: AsyncConnection, values: Mapping[str, Any]) -> Row:
    """Insert a link. Gives its columns (no tags, no counters)."""
    return await fetch_one(connection, insert(links).values(**values).returning(links))


async def change(connection: AsyncConnection, link_id: str, values: Mapping[str, Any]) -> None:
    await connection.execute(update(links).where(links.c.id == link_id).values(**values))


async def remove(connection: AsyncConnection, link_id: str) -> None:
    await connection.execute(delete(links).where(links.c.id == link_id))


async def set_tags(connection: AsyncConnection, link_id: str, tag_ids: Sequence[str]) -> None:
    """Make these the link's tags, in this order."""
    await connection.execute(delete(link_tags).where(link_tags.c.link_id == link_id))
    await add_tags(connection, link_id, tag_ids)


async def add_tags(connection: AsyncConnection, link_id: str, tag_ids: Sequence[str]) -> None:
    """Give a link without tags these, in this order."""
    if tag_ids:
        rows = [{"link_id": link_id, "tag_id": tag_id, "position": n} for n, tag_id in enumerate(tag_ids)]
        await connection.execute(insert(link_tags), rows)


async def _one(connection: AsyncConnection, project_id: str, condition: ColumnElement[bool]) -> Row | None:
    query = _ROWS.where(links.c.project_id == project_id, condition)
    return await fetch_one_or_none(connection, query)


def _filtered(query: Select[Any], filters: LinkFilters) -> Select[Any]:
    if filters.domain:
        query = query.where(links.c.domain == comparable_slug(filters.domain))
    for name in ("tenant_id", "user_id", "external_id"):
        if value := getattr(filters, name):
            query = query.where(links.c[name] == value)
    if not filters.show_archived:
        query = query.where(links.c.archived.is_(False))
    if filters.search:
        columns = (links.c.key, links.c.url, links.c.title)
        query = query.where(or_(*(column.icontains(filters.search, autoescape=True) for column in columns)))
    return _with_tags(query, filters)


def _with_tags(query: Select[Any], filters: LinkFilters) -> Select[Any]:
    """Links that carry any of the tags that are asked for."""
    ids = [*(filters.tag_ids or ()), *([filters.tag_id] if filters.tag_id else ())]
    names = [fold_name(name) for name in filters.tag_names or ()]
    if not ids and not names:
        return query
    wanted = or_(
        tags.c.id == func.any(literal(ids, ARRAY(Text))), tags.c.name_folded == func.any(literal(names, ARRAY(Text)))
    )
    carried = exists().where(link_tags.c.link_id == links.c.id, link_tags.c.tag_id == tags.c.id, wanted)
    return query.where(carried)
