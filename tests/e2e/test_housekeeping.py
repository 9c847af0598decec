"""What is removed when its time is over, by link-api's housekeeping against the stack's Postgres, and what stays."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from prometheus_client import REGISTRY

from codeqr_common.ids import new_id
from link_api.app import open_parts
from link_api.housekeeping import Housekeeping
from link_api.settings import LinkApiSettings
from running import Stack

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
async def rows(stack: Stack) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(stack.database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def keeper(stack: Stack) -> AsyncIterator[Housekeeping]:
    """As the API process has it, but that it does nothing until it is told."""
    settings = LinkApiSettings(service_token="none", database_url=stack.database_url, redis_url=stack.redis_url)
    async with open_parts(settings) as parts:
        yield parts.housekeeping


def ago(age: timedelta) -> datetime:
    return datetime.now(UTC) - age


async def make_calls(rows: asyncpg.Connection, project: str, age: timedelta, count: int = 1) -> None:
    await rows.executemany(
        "INSERT INTO links.idempotent_calls VALUES ($1, 'POST', '/tags', $2, '', '{}', $3)",
        [(project, f"{age}-{number}", ago(age)) for number in range(count)],
    )


async def make_events(rows: asyncpg.Connection, project: str, age: timedelta, *, published: bool) -> None:
    """Of a shard that no relay takes."""
    await rows.execute(
        "INSERT INTO links.outbox (shard, topic, key, value, headers, register, published, created_at)"
        " VALUES (999, 'none', $1, '', '{}', '{}', $2, $3)",
        *(project, published, ago(age)),
    )


async def make_entry(rows: asyncpg.Connection, project: str, age: timedelta) -> None:
    values = (project, new_id("aud"), ago(age))
    await rows.execute("INSERT INTO links.audit VALUES ($1, $2, $3, 'tag.created', 'tag_1')", *values)


async def make_usage(rows: asyncpg.Connection, key_id: str, age: timedelta) -> None:
    await rows.execute("INSERT INTO links.key_usage VALUES ($1, $2, 1)", key_id, ago(age).date())


async def make_claim(rows: asyncpg.Connection, project: str, age: timedelta, *, verified: bool) -> str:
    domain_id = new_id("dom")
    await rows.execute(
        "INSERT INTO links.domains (id, project_id, slug, verification_token, verified_at, created_at, updated_at)"
        " VALUES ($1, $2, $1, 'x', $3, $4, $4)",
        *(domain_id, project, ago(age) if verified else None, ago(age)),
    )
    return domain_id


async def count(rows: asyncpg.Connection, table: str, column: str, value: str) -> int:
    return int(await rows.fetchval(f"SELECT count(*) FROM links.{table} WHERE {column} = $1", value))


def measured(name: str) -> float:
    labels = {"what": "idempotent_calls"}
    return REGISTRY.get_sample_value(f"codeqr_link_api_housekeeping_{name}", labels) or 0.0


async def test_only_what_is_out_of_date_goes(stack: Stack, rows: asyncpg.Connection, keeper: Housekeeping) -> None:
    project, key_id = stack.new_project("housekeeping").id, new_id("tok")
    for age in (0 * HOUR, 23 * HOUR, 25 * HOUR, 100 * DAY):
        await make_calls(rows, project, age)
    for age in (0 * HOUR, 24.5 * HOUR, 26 * HOUR):
        await make_events(rows, project, age, published=True)
        await make_events(rows, project, age, published=False)
    for age in (0 * DAY, 364 * DAY, 366 * DAY):
        await make_entry(rows, project, age)
    for age in (0 * DAY, 29 * DAY, 31 * DAY, 32 * DAY):
        await make_usage(rows, key_id, age)
    claims = [await make_claim(rows, project, age, verified=False) for age in (6.9 * DAY, 7.1 * DAY)]
    owned = await make_claim(rows, project, 8 * DAY, verified=True)

    await keeper.round(asyncio.Event())

    assert await count(rows, "idempotent_calls", "project_id", project) == 2
    assert await count(rows, "outbox", "key", project) == 5, "what is not published stays, however old it is"
    assert await count(rows, "key_usage", "key_id", key_id) == 3
    left = await rows.fetch("SELECT id FROM links.domains WHERE project_id = $1", project)
    assert {row["id"] for row in left} == {claims[0], owned}
    lapsed = await rows.fetchrow("SELECT * FROM links.audit WHERE resource_id = $1", claims[1])
    assert (lapsed["action"], lapsed["project_id"], lapsed["key_id"]) == ("domain.deleted", project, None)
    old = await rows.fetchval(
        "SELECT count(*) FROM links.audit WHERE project_id = $1 AND resource_id = 'tag_1'", project
    )
    assert old == 2
    await rows.execute("DELETE FROM links.outbox WHERE key = $1", project)


async def test_many_rows_go_in_batches_and_are_counted(
    stack: Stack, rows: asyncpg.Connection, keeper: Housekeeping
) -> None:
    project = stack.new_project("many").id
    await make_calls(rows, project, 25 * HOUR, count=2500)
    before = measured("removed_total")
    await keeper.round(asyncio.Event())
    assert await count(rows, "idempotent_calls", "project_id", project) == 0
    assert 0 < measured("removed_total") - before <= 2500, "the stack's own process may have taken some"
    assert measured("waiting_rows") == 0


async def test_rows_that_another_process_removes_hold_nobody_up(
    stack: Stack, rows: asyncpg.Connection, keeper: Housekeeping
) -> None:
    project = stack.new_project("shared").id
    await make_calls(rows, project, 25 * HOUR, count=3)
    async with rows.transaction():
        locked = "SELECT key FROM links.idempotent_calls WHERE project_id = $1 LIMIT 1 FOR UPDATE"
        await rows.fetch(locked, project)
        await asyncio.wait_for(keeper.round(asyncio.Event()), 5)
        assert await count(rows, "idempotent_calls", "project_id", project) == 1
    await keeper.round(asyncio.Event())
    assert await count(rows, "idempotent_calls", "project_id", project) == 0


async def test_it_does_it_again_and_again_until_it_is_stopped(
    stack: Stack, rows: asyncpg.Connection, keeper: Housekeeping
) -> None:
    project = stack.new_project("again").id
    keeper._every_s = 0.05
    stop = asyncio.Event()
    running = asyncio.ensure_future(keeper.run(stop))
    for _ in range(2):
        await make_calls(rows, project, 25 * HOUR, count=2)
        async with asyncio.timeout(5):
            while await count(rows, "idempotent_calls", "project_id", project):  # noqa: ASYNC110 - Postgres has no news
                await asyncio.sleep(0.02)
    stop.set()
    await asyncio.wait_for(running, 5)
