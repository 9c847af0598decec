"""Deleted projects in a real ClickHouse: their clicks go, whenever they come, and nobody else's."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from analytics.clickhouse.client import ClickHouse
from analytics.ingest.store import ClickStore
from analytics.projects.removal import UNDER_WAY, ProjectRemoval
from analytics.projects.store import ProjectStore
from codeqr_common.events.clicks import ClickEvent
from codeqr_common.events.links import ProjectEvent

MakeClick = Callable[..., ClickEvent]
TRIES = 400


@pytest.fixture
def removal(clickhouse: ClickHouse) -> ProjectRemoval:
    return ProjectRemoval(clickhouse)


@pytest.fixture
def projects(clickhouse: ClickHouse, removal: ProjectRemoval) -> ProjectStore:
    return ProjectStore(clickhouse, removal.noted)


def deleted(project_id: str) -> ProjectEvent:
    return ProjectEvent(id="evt_1", type="project.deleted", time=1_793_000_000_000, project_id=project_id)


async def test_which_deletions_are_stored(projects: ProjectStore, stream: str, project: str) -> None:
    await projects.insert(stream, 1, [(5, deleted(project)), (9, deleted(f"{project}-2"))])
    assert await projects.stored(stream, 1, 0, 100) == {5, 9}
    assert await projects.stored(stream, 1, 6, 9) == set()
    assert await projects.stored(stream, 0, 0, 100) == set()


async def test_clicks_of_a_deleted_project_go_and_no_others(
    clickhouse: ClickHouse,
    store: ClickStore,
    projects: ProjectStore,
    removal: ProjectRemoval,
    stream: str,
    project: str,
    make_click: MakeClick,
) -> None:
    months = [f"2024-{month:02d}-15T00:00:00Z" for month in range(1, 13)]
    mine = [(offset, make_click(at=month)) for offset, month in enumerate(months)]
    others = [(100 + offset, make_click(at=month, project_id="proj_other")) for offset, month in enumerate(months)]
    await store.insert(stream, 0, mine + others)
    assert await removal.look() == []

    await projects.insert(stream, 0, [(0, deleted(project))])
    assert await removal.look() == [project]
    await until_gone(clickhouse)

    assert await store.stored(stream, 0, 0, 1000) == {offset for offset, _ in others}
    assert await removal.look() == []


async def test_clicks_that_come_afterwards_go_too(
    clickhouse: ClickHouse,
    store: ClickStore,
    projects: ProjectStore,
    removal: ProjectRemoval,
    stream: str,
    project: str,
    make_click: MakeClick,
) -> None:
    """As a pending plan's, which look as if they had never been inserted."""
    await projects.insert(stream, 0, [(0, deleted(project))])
    for _ in range(2):
        await store.insert(stream, 0, [(1, make_click()), (2, make_click())])
        assert await removal.look() == [project]
        await until_gone(clickhouse)
        assert await store.stored(stream, 0, 0, 100) == set()


async def test_a_deletion_is_looked_after_at_once(
    clickhouse: ClickHouse,
    store: ClickStore,
    projects: ProjectStore,
    removal: ProjectRemoval,
    stream: str,
    project: str,
    make_click: MakeClick,
) -> None:
    await store.insert(stream, 0, [(1, make_click())])
    async with running(removal):
        await projects.insert(stream, 0, [(2, deleted(project))])
        await until(lambda: store.stored(stream, 0, 0, 100), set())


async def until_gone(clickhouse: ClickHouse) -> None:
    await until(lambda: clickhouse.rows(UNDER_WAY, {}), [])


async def until(read: Callable[[], Awaitable[object]], expected: object) -> None:
    found = await read()
    for _ in range(TRIES):
        if found == expected:
            return
        await asyncio.sleep(0.05)
        found = await read()
    assert found == expected


@asynccontextmanager
async def running(removal: ProjectRemoval) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(removal.run(stop))
    yield
    stop.set()
    await asyncio.wait_for(task, 5)
