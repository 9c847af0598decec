"""A real embedded ClickHouse, one for all tests (a process can have one), and clicks to put into it."""

import itertools
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from analytics.clickhouse.client import ClickHouse
from analytics.clickhouse.runner import migrate
from analytics.ingest.store import ClickStore
from codeqr_common.events.clicks import ClickEvent
from codeqr_common.times import to_ms

MakeClick = Callable[..., ClickEvent]


@pytest.fixture(scope="session")
async def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ClickHouse]:
    folder: Path = tmp_path_factory.mktemp("clickhouse") / "data"
    engine = ClickHouse(f"chdb://{folder}", query_clients=2, query_limit_s=20, insert_limit_s=20)
    await engine.ingest(migrate)
    yield engine
    await engine.close()


@pytest.fixture
def store(clickhouse: ClickHouse) -> ClickStore:
    return ClickStore(clickhouse)


@pytest.fixture
def stream(request: pytest.FixtureRequest) -> str:
    """A stream of this test's own."""
    return f"cluster/{request.node.name}"


@pytest.fixture
def project(request: pytest.FixtureRequest) -> str:
    """A project of this test's own."""
    return f"proj_{request.node.name}"


@pytest.fixture
def make_click(project: str) -> MakeClick:
    """A click of this test's project; keywords replace its fields, and `at` is its time in ISO 8601."""
    numbers = itertools.count(1)

    def make(at: str = "2025-09-06T12:21:07.873+00:00", **fields: Any) -> ClickEvent:
        number = next(numbers)
        defaults: dict[str, Any] = {
            "id": f"click{number}",
            "time": to_ms(datetime.fromisoformat(at)),
            "project_id": project,
            "link_id": "link_1",
            "domain": "go.example",
            "key": "Sale",
            "key_folded": "sale",
            "target": "https://example.com/?a=1",
            "url": "https://example.com/",
            "spool": "spool",
            "position": number,
        }
        return ClickEvent(**(defaults | fields))

    return make
