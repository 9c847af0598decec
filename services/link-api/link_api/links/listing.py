"""The SQL of lists and counts of links. Each list has an index that gives its rows in order.

Ids are made of the time, so the order by creation is the order of ids. A search looks at the links at the list's own
end first, which answers for every common text; only what is not found there in sufficient number is asked of the index
of n-grams, whose cost grows with the number of matches.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, Text, exists, func, not_, or_, select, type_coerce
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from link_api.domains.validation import comparable_slug
from link_api.links.repository import ROWS
from link_api.links.schemas import CountLinks, LinkFilters, ListLinks
from link_api.rows import Row, fetch_all
from link_api.tables import link_counters, link_tags, links, short_domains, tags
from link_api.tags.repository import fold_name

NEAR = 4_000
"""How many links a search looks at before it asks its index."""
PROMISING = 16
"""Matches among those by which it is worth looking at more of them: then some five times as many fill a page."""
FAR = 40_000
"""But no more than so many are looked at without the index."""
SAMPLE = 100
"""How many links' texts tell which triples are in nearly every text."""
FEW_TRIPLES = 3
"""That many are looked up anyway."""
COUNTERS = {"clicks": "clicks", "lastClicked": "last_clicked", "saleAmount": "sale_amount"}


@dataclass(frozen=True, slots=True)
class Where:
    """What a question names, as ids. `tag_ids`: of which a link carries any; None: tags do not matter."""

    project_id: str
    domain_id: str | None
    tag_ids: list[str] | None


async def page(connection: AsyncConnection, project_id: str, asked: ListLinks) -> list[Row]:
    """One page of the project's links."""
    where = await _where(connection, project_id, asked)
    if where is None:
        return []
    if asked.sort_by != "createdAt":
        ids = await _by_counter(connection, where, asked)
    elif asked.search:
        ids = await _searched(connection, where, asked)
    else:
        ids = await _ids(connection, _in_order(where, asked))
    if not ids:
        return []
    rows = {row["id"]: row for row in await fetch_all(connection, ROWS.where(links.c.id == _any(ids)))}
    return [rows[link_id] for link_id in asked.in_order(ids) if link_id in rows]


async def count(connection: AsyncConnection, project_id: str, asked: CountLinks) -> int | list[dict[str, Any]]:
    """How many links there are; with `group_by`, how many for each value, most first."""
    where = await _where(connection, project_id, asked)
    if where is None:
        return [] if asked.group_by else 0
    chosen = await _chosen(connection, where, asked)
    number = func.count().label("_count")
    if asked.group_by is None:
        return int((await connection.execute(chosen.with_only_columns(number))).scalar_one())
    field = {"domain": links.c.domain, "userId": links.c.user_id, "tagId": link_tags.c.tag_id}[asked.group_by]
    if asked.group_by == "tagId":
        chosen = chosen.join(link_tags, link_tags.c.link_id == links.c.id)
    grouped = chosen.with_only_columns(field.label(asked.group_by), number).group_by(field)
    return [dict(row) for row in await fetch_all(connection, grouped.order_by(number.desc(), field))]


async def _where(connection: AsyncConnection, project_id: str, asked: LinkFilters) -> Where | None:
    """None when something is named that is not there, so that no link can be meant."""
    domain_id = None
    if asked.domain:
        held = select(short_domains.c.domain_id).where(short_domains.c.slug == comparable_slug(asked.domain))
        domain_id = (await connection.scalars(held)).one_or_none()
        if domain_id is None:
            return None
    ids = [*(asked.tag_ids or ()), *(asked.tag_id or ())]
    names = [fold_name(name) for name in asked.tag_names or ()]
    if not ids and not names:
        return Where(project_id, domain_id, None)
    wanted = or_(tags.c.id == _any(ids), tags.c.name_folded == _any(names))
    found = await _ids(connection, select(tags.c.id).where(tags.c.project_id == project_id, wanted))
    return Where(project_id, domain_id, found) if found else None


async def _ids(connection: AsyncConnection, query: Select[Any]) -> list[str]:
    return list((await connection.scalars(query)).all())


def _conditions(where: Where, asked: LinkFilters) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [links.c.project_id == where.project_id]
    if where.domain_id is not None:
        found.append(links.c.domain_id == where.domain_id)
    for name in ("tenant_id", "user_id", "external_id"):
        if value := getattr(asked, name):
            found.append(links.c[name] == value)
    if not asked.show_archived:
        found.append(not_(links.c.archived))
    return found


async def _chosen(connection: AsyncConnection, where: Where, asked: LinkFilters) -> Select[Any]:
    """Ids of all links that pass the filters, in no order."""
    query = select(links.c.id).where(*_conditions(where, asked))
    if asked.search:
        looked_up = telling(asked.search.encode(), await _sample(connection, where.project_id, asked.search))
        query = query.where(_contains(links.c.search_text, asked.search), _indexed(where.project_id, looked_up))
    if where.tag_ids is not None:
        carried = link_tags.alias("carried")
        query = query.where(exists().where(carried.c.link_id == links.c.id, carried.c.tag_id == _any(where.tag_ids)))
    return query


def _in_order(where: Where, asked: ListLinks, *columns: ColumnElement[Any]) -> Select[Any]:
    """Ids (and more columns) of the asked part, the search left out, read from an index that has this very order."""
    descending = asked.sort_order == "desc"
    conditions = _conditions(where, asked)
    if where.tag_ids is None:
        return asked.part(select(links.c.id, *columns).where(*conditions), links.c.id, descending=descending)
    tag = func.unnest(type_coerce(where.tag_ids, ARRAY(Text))).table_valued("id").render_derived("tag")
    ends = asked.model_copy(update={"page": None, "page_size": asked.offset + asked.page_size})
    carriers = (
        select(link_tags.c.link_id.label("id"), *columns)
        .join(links, links.c.id == link_tags.c.link_id)
        .where(link_tags.c.tag_id == tag.c.id, *conditions)
    )
    each = ends.part(carriers, link_tags.c.link_id, descending=descending).lateral("carriers")
    merged = select(*each.c).select_from(tag.join(each, onclause=each.c.id.is_not(None)))
    merged = merged.ext(distinct_on(each.c.id))
    return asked.part(merged, each.c.id, descending=descending)


async def _searched(connection: AsyncConnection, where: Where, asked: ListLinks) -> list[str]:
    """Ids of the asked part of the matches."""
    wanted = asked.offset + asked.page_size
    near = max(NEAR, wanted)
    if near <= FAR:
        found = await _ids(connection, _matches_among(where, asked, near))
        if PROMISING <= len(found) < wanted:
            farther = near * wanted * 3 // len(found) // 2
            if farther <= FAR:
                found = await _ids(connection, _matches_among(where, asked, farther))
        if len(found) == wanted:
            return found[asked.offset :]
    matched = (await _chosen(connection, where, asked)).cte("matched").prefix_with("MATERIALIZED", dialect="postgresql")
    everywhere = select(matched.c.id)
    return await _ids(connection, asked.part(everywhere, matched.c.id, descending=asked.sort_order == "desc"))


def _matches_among(where: Where, asked: ListLinks, size: int) -> Select[Any]:
    """Ids of the matches among so many links at the list's own end, those of earlier pages too."""
    near = asked.model_copy(update={"page": None, "page_size": size})
    window = _in_order(where, near, links.c.search_text).subquery("near")
    whole = asked.model_copy(update={"page": None, "page_size": asked.offset + asked.page_size})
    matches = select(window.c.id).where(_contains(window.c.search_text, asked.search or ""))
    return whole.part(matches, window.c.id, descending=asked.sort_order == "desc")


async def _by_counter(connection: AsyncConnection, where: Where, asked: ListLinks) -> list[str]:
    """Ids sorted by a counter, then by id. Links that were never counted have no counters and rank below all others."""
    descending = (asked.sort_order == "desc") != (asked.ending_before is not None)
    counter = link_counters.c[COUNTERS[asked.sort_by]]
    chosen = await _chosen(connection, where, asked)
    if asked.search:
        matched = chosen.cte("matched").prefix_with("MATERIALIZED", dialect="postgresql")
        chosen = select(links.c.id).where(links.c.id.in_(select(matched.c.id)))
    counted = chosen.join(link_counters, link_counters.c.link_id == links.c.id)
    counted = counted.where(link_counters.c.project_id == where.project_id)
    never = ~exists().where(link_counters.c.link_id == links.c.id)
    uncounted = chosen.where(never)
    cursor = asked.starting_after if asked.starting_after is not None else asked.ending_before
    if cursor is not None:
        counted, uncounted = await _beyond(
            connection, where, cursor, counter, counted, uncounted, descending=descending
        )
    if descending:
        parts = [
            counted.order_by(counter.desc().nulls_last(), link_counters.c.link_id.desc()),
            uncounted.order_by(links.c.id.desc()),
        ]
    else:
        parts = [
            uncounted.order_by(links.c.id),
            counted.order_by(counter.asc().nulls_first(), link_counters.c.link_id),
        ]
    return await _one_after_the_other(connection, parts, asked.offset, asked.page_size)


async def _beyond(
    connection: AsyncConnection,
    where: Where,
    cursor: str,
    counter: ColumnElement[Any],
    counted: Select[Any],
    uncounted: Select[Any],
    *,
    descending: bool,
) -> tuple[Select[Any], Select[Any]]:
    """Both parts cut to what comes after the link `cursor`."""
    own_counter = select(counter).where(
        link_counters.c.link_id == cursor, link_counters.c.project_id == where.project_id
    )
    found = (await connection.execute(own_counter)).one_or_none()
    nothing = links.c.id.is_(None)
    if found is None:
        after = links.c.id < cursor if descending else links.c.id > cursor
        return (counted.where(nothing) if descending else counted), uncounted.where(after)
    value, own = found[0], link_counters.c.link_id
    tie = (own < cursor) if descending else (own > cursor)
    if value is None:
        after = counter.is_(None) & tie if descending else counter.is_not(None) | tie
    elif descending:
        after = (counter < value) | counter.is_(None) | ((counter == value) & tie)
    else:
        after = (counter > value) | ((counter == value) & tie)
    return counted.where(after), (uncounted if descending else uncounted.where(nothing))


async def _one_after_the_other(
    connection: AsyncConnection, parts: list[Select[Any]], offset: int, size: int
) -> list[str]:
    """Rows `offset` to `offset + size` of the first part followed by the second."""
    first, second = parts
    found = await _ids(connection, first.limit(size).offset(offset))
    if len(found) == size:
        return found
    if found or not offset:
        length = offset + len(found)
    else:
        length = int((await connection.execute(first.order_by(None).with_only_columns(func.count()))).scalar_one())
    rest = second.limit(size - len(found)).offset(max(offset - length, 0))
    return found + await _ids(connection, rest)


def _contains(column: ColumnElement[str], term: str) -> ColumnElement[bool]:
    return func.strpos(column, term) > 0


async def _sample(connection: AsyncConnection, project_id: str, term: str) -> list[str]:
    """Texts of the project's newest links; none for a term of which every triple is wanted anyway."""
    if len(term.encode()) <= FEW_TRIPLES + 2:
        return []
    newest = select(links.c.search_text).where(links.c.project_id == project_id).order_by(links.c.id.desc())
    return await _ids(connection, newest.limit(SAMPLE))


def _indexed(project_id: str, asked: "Grams") -> ColumnElement[bool]:
    """What the index of n-grams knows of a term: every link that holds it, and others."""
    number = func.unnest(type_coerce(asked.numbers, ARRAY(Integer))).table_valued("value")
    number = number.render_derived("number")
    seeded = select(func.array_agg(number.c.value.op("#")(func.hashtext(project_id))))
    held = func.links.ngrams(links.c.project_id, links.c.search_text)
    return held.op("@>" if asked.every else "&&")(seeded.scalar_subquery())


@dataclass(frozen=True, slots=True)
class Grams:
    """Numbers as `links.ngrams` gives them: a text that holds the term has `every` one of them, or at least one."""

    numbers: list[int]
    every: bool


def telling(term: bytes, texts: Sequence[str]) -> Grams:
    """How a term is looked up, without the triples that most of these texts have: they cost most, and tell least."""
    if len(term) <= FEW_TRIPLES + 2 or not texts:
        return grams(term)
    encoded = [text.encode() for text in texts]
    seen = {triple: sum(triple in text for text in encoded) for triple in _triples(term)}
    ranked = sorted(seen, key=lambda triple: (seen[triple], triple))
    rare = [triple for triple in ranked if seen[triple] <= len(texts) // 2]
    return Grams(sorted(map(_triple, rare or ranked[:FEW_TRIPLES])), every=True)


def grams(term: bytes) -> Grams:
    """How a term is looked up: a byte by itself, two by the triples that begin with them, more by all their triples."""
    if len(term) == 1:
        return Grams([term[0]], every=True)
    if len(term) == 2:
        first = _triple(term + b"\0")
        return Grams(list(range(first, first + 256)), every=False)
    return Grams(sorted(map(_triple, _triples(term))), every=True)


def _triples(term: bytes) -> set[bytes]:
    return {term[at : at + 3] for at in range(len(term) - 2)}


def _triple(triple: bytes) -> int:
    return 256 + int.from_bytes(triple, "big")


def _any(values: list[str]) -> ColumnElement[Any]:
    return func.any(type_coerce(values, ARRAY(Text)))
