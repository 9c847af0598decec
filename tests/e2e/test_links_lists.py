"""Lists and counts: filters, search, sorting, and pages that stay whole while links are added."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import httpx
import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import create_async_engine

from answers import ok, refused, unique
from link_api.links import listing
from link_api.links.schemas import ListLinks

MANY = 12_000
FIRST = {"url": "https://example.com/needle-first", "title": "Ünïque", "tagNames": ["listed"]}


@pytest.fixture
def project(stack: Any) -> Any:
    return stack.new_project()


def ids(answer: httpx.Response) -> list[str]:
    return [link["id"] for link in ok(answer)]


def test_filters(project: Any, stack: Any) -> None:
    api = project.api
    slug = f"{unique()}.example"
    ok(api.post("/domains", json={"slug": slug}))
    a = ok(api.post("/links", json={"url": "a.com", "domain": stack.short_domain, "tagNames": ["red", "big"]}))
    b = ok(api.post("/links", json={"url": "b.com", "domain": slug, "tenantId": "t", "tagNames": "red"}))
    c = ok(api.post("/links", json={"url": "c.com", "domain": slug, "externalId": "e", "tagNames": ["blue"]}))
    d = ok(api.post("/links", json={"url": "d.com", "domain": slug, "archived": True, "tagNames": ["red"]}))
    red, blue = a["tags"][0]["id"], c["tags"][0]["id"]
    for query, found in (
        ({}, [c, b, a]),
        ({"showArchived": "true"}, [d, c, b, a]),
        ({"domain": slug.upper()}, [c, b]),
        ({"domain": "unknown.example"}, []),
        ({"tenantId": "t"}, [b]),
        ({"userId": a["userId"]}, [c, b, a]),
        ({"userId": "user_none"}, []),
        ({"externalId": "ext_e"}, [c]),
        ({"external_id": "e"}, [c]),
        ({"tagId": red}, [b, a]),
        ({"tagIds": f"{red},{blue}"}, [c, b, a]),
        ({"tagIds": [red, blue]}, [c, b, a]),
        ({"tagNames": "RED"}, [b, a]),
        ({"tagNames": ["big", "blue"]}, [c, a]),
        ({"tagNames": "none"}, []),
        ({"tagNames": "red", "domain": slug, "showArchived": "1"}, [d, b]),
        ({"search": "B.CO"}, [b]),
        ({"search": a["key"].upper()}, [a]),
        ({"tagIds": red, "search": ".com"}, [b, a]),
        ({"sortOrder": "asc"}, [a, b, c]),
        ({"pageSize": "2.0", "page": "2"}, [a]),
        ({"whatever": "ignored"}, [c, b, a]),
    ):
        assert ids(api.get("/links", params=query)) == [link["id"] for link in found], query
        counted = {name: value for name, value in query.items() if name not in ("sortOrder", "page", "pageSize")}
        whole = 3 if "page" in query else len(found)
        assert ok(api.get("/links/count", params=counted)) == whole, query
    groups = ok(api.get("/links/count", params={"groupBy": "domain"}))
    assert groups == [{"domain": slug, "_count": 2}, {"domain": stack.short_domain, "_count": 1}]
    assert ok(api.get("/links/count", params={"groupBy": "tagId", "tagIds": red}))[0] == {"tagId": red, "_count": 2}
    assert ok(api.get("/links/count", params={"groupBy": "userId"})) == [{"userId": a["userId"], "_count": 3}]
    for query in ({"page": "0"}, {"pageSize": "101"}, {"page": "1", "startingAfter": a["id"]}, {"sortBy": "title"}):
        refused(api.get("/links", params=query), "unprocessable_entity")


def test_pages_by_cursor_stay_whole_while_links_are_added(project: Any) -> None:
    api = project.api
    made = [ok(api.post("/links", json={"url": f"{n}.com"}))["id"] for n in range(25)]
    seen: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        while True:
            adding = pool.submit(lambda: ok(api.post("/links", json={"url": "late.com"})))
            page = ids(api.get("/links", params={"pageSize": 4, **({"startingAfter": seen[-1]} if seen else {})}))
            adding.result()
            if not page:
                break
            seen += page
    assert [link_id for link_id in seen if link_id in made] == made[::-1]
    assert ids(api.get("/links", params={"endingBefore": made[3], "pageSize": 2})) == [made[5], made[4]]
    assert ids(api.get("/links", params={"startingAfter": made[3], "pageSize": 2, "sortOrder": "asc"})) == made[4:6]


def test_links_sort_by_their_counters(project: Any, stack: Any) -> None:
    api = project.api
    links = [ok(api.post("/links", json={"url": f"{n}.com"}))["id"] for n in range(5)]
    counters = [(links[1], 7, 10), (links[3], 2, 30), (links[0], 2, 0)]
    asyncio.run(_count(stack.database_url, project.id, counters))
    wanted = [links[1], links[3], links[0], links[4], links[2]]
    assert ids(api.get("/links", params={"sortBy": "clicks"})) == wanted
    assert ids(api.get("/links", params={"sortBy": "clicks", "sortOrder": "asc"})) == wanted[::-1]
    assert ids(api.get("/links", params={"sortBy": "saleAmount"}))[:2] == [links[3], links[1]]
    for sort in ("clicks", "saleAmount", "lastClicked"):
        whole = ids(api.get("/links", params={"sortBy": sort}))
        assert [ids(api.get("/links", params={"sortBy": sort, "pageSize": 2, "page": n})) for n in (1, 2, 3)] == [
            whole[:2],
            whole[2:4],
            whole[4:],
        ]
        for position, link_id in enumerate(whole):
            after = {"sortBy": sort, "startingAfter": link_id}
            assert ids(api.get("/links", params=after)) == whole[position + 1 :]
            before = {"sortBy": sort, "endingBefore": link_id}
            assert ids(api.get("/links", params=before)) == whole[:position]
    assert ids(api.get("/links", params={"sortBy": "clicks", "search": "1.com"})) == [links[1]]


async def _count(url: str, project_id: str, rows: list[tuple[str, int, int]]) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.executemany(
            "INSERT INTO links.link_counters (link_id, project_id, clicks, sale_amount, last_clicked)"
            " VALUES ($1, $2, $3, $4, now() - $4::bigint * interval '1 hour')",
            [(link_id, project_id, clicks, amount) for link_id, clicks, amount in rows],
        )
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def crowd(stack: Any) -> Any:
    """A project of many links, written past the API, and another one like it: enough for plans to matter."""
    projects = [stack.new_project() for _ in range(2)]
    for project in projects:
        first = ok(project.api.post("/links", json=FIRST))
        asyncio.run(_crowd(stack.database_url, first["id"]))
    return projects[0]


async def _crowd(url: str, like: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            f"""
            INSERT INTO links.links (id, project_id, user_id, domain_id, domain, key, key_folded, url, title, tenant_id,
                archived, search_text, created_at, updated_at)
            SELECT left(id, 13) || 'zz' || lpad(n::text, 12, '0'), project_id, user_id, domain_id, domain, 'crowd' || n,
                'crowd' || n, 'https://common.example/' || md5(n::text), 'Title', 't' || n % 100, n % 2 = 0,
                'crowd' || n || E'\\nhttps://common.example/' || md5(n::text) || E'\\ntitle', now(), now()
            FROM links.links, generate_series(1, {MANY}) AS n WHERE id = $1
            """,
            like,
        )
        await connection.execute(
            """
            INSERT INTO links.link_counters (link_id, project_id, clicks, sale_amount, last_clicked)
            SELECT id, project_id, abs(hashtext(id)), abs(hashtext(id)), now() FROM links.links
            WHERE project_id = (SELECT project_id FROM links.links WHERE id = $1) AND tenant_id <> 't7'
            """,
            like,
        )
        await connection.execute(
            "INSERT INTO links.link_tags (link_id, tag_id, position) SELECT links.id, tag_id, 0"
            " FROM links.links, links.link_tags WHERE link_id = $1 AND links.key_folded LIKE 'crowd%7'"
            " AND project_id = (SELECT project_id FROM links.links WHERE id = $1)",
            like,
        )
        await connection.execute("ANALYZE links.links, links.link_counters, links.link_tags")
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("term", "count"),
    [
        ("needle-first", 1),
        ("ÜNÏQ", 1),
        ("ü", 1),
        ("c", 50),
        ("common", 50),
        ("crowd2345", 1),
        ("~", 0),
        ("nothing", 0),
    ],
)
def test_a_search_finds_common_rare_and_absent_texts(crowd: Any, term: str, count: int) -> None:
    assert len(ok(crowd.api.get("/links", params={"search": term}))) == count


def test_a_search_goes_on_over_its_pages(crowd: Any) -> None:
    pages = [
        ids(crowd.api.get("/links", params={"search": "crowd12", "page": n, "showArchived": 1})) for n in (1, 2, 3)
    ]
    found = [link_id for page in pages for link_id in page]
    assert len(found) == 112 == ok(crowd.api.get("/links/count", params={"search": "crowd12", "showArchived": 1}))
    assert found == sorted(set(found), reverse=True)


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ({}, "links_(live|pkey)"),
        ({"showArchived": "1"}, "links_(newest|pkey)"),
        ({"sortOrder": "asc"}, "links_(live|pkey)"),
        ({"tenantId": "t7"}, "links_of_tenant"),
        ({"userId": "user_none"}, "links_of_user"),
        ({"externalId": "x"}, "links_project_external_id"),
        ({"search": "nothing"}, "links_search"),
        ({"search": "~~"}, "links_search"),
        ({"search": "~"}, "links_search"),
        ({"sortBy": "clicks"}, "link_counters_clicks"),
        ({"sortBy": "lastClicked"}, "link_counters_last_clicked"),
        ({"sortBy": "saleAmount"}, "link_counters_sale_amount"),
        ({"domain": "*"}, "links_of_domain"),
        ({"tagNames": "listed"}, "link_tags_of_tag"),
    ],
)
def test_every_list_is_served_by_an_index(crowd: Any, stack: Any, query: dict[str, str], index: str) -> None:
    """The primary key, being in the order of creation too, may serve a project that has a good part of all links."""
    if query == {"domain": "*"}:
        query = {"domain": f"{unique()}.example"}
        ok(crowd.api.post("/domains", json={"slug": query["domain"]}))
        ok(crowd.api.post("/links", json={"url": "a.com", "domain": query["domain"]}))
    plans = asyncio.run(_plans(stack.database_url, crowd.id, ListLinks.model_validate(query)))
    assert any(re.search(index, plan) for plan in plans), "\n\n".join(plans)
    assert not any(re.search(r"Seq Scan on (links|link_counters)\b", plan) for plan in plans), "\n\n".join(plans)


async def _plans(url: str, project_id: str, asked: ListLinks) -> list[str]:
    """The plans of all statements that the list runs, with the parameters with which it runs them."""
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1))
    statements: list[tuple[str, Any]] = []
    event.listen(
        engine.sync_engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, parameters, *_: statements.append((statement, parameters)),
    )
    try:
        async with engine.connect() as connection:
            await listing.page(connection, project_id, asked)
            driver: Any = (await connection.get_raw_connection()).driver_connection
            plans = [await driver.fetch(f"EXPLAIN {statement}", *parameters) for statement, parameters in statements]
    finally:
        await engine.dispose()
    return ["\n".join(row[0] for row in plan) for plan in plans]
