"""The ingestion of click.events, and of the news that projects are gone."""

import asyncio

from analytics.clickhouse.client import ClickHouse
from analytics.clickhouse.runner import migrate
from analytics.ingest.rows import decode
from analytics.ingest.store import ClickStore
from analytics.projects.removal import ProjectRemoval
from analytics.projects.store import ProjectStore
from codeqr_common.events.clicks import ClickEvent
from codeqr_common.events.links import ProjectEvent, decode_project_event
from codeqr_common.health import Readiness
from codeqr_common.kafka.planned import PlannedConsumer
from codeqr_common.kafka.sessions import wait
from codeqr_common.kafka.topics import CLICK_EVENTS, INGEST, LINK_EVENTS, PROJECT_DELETIONS
from codeqr_common.logs import get_logger

log = get_logger(__name__)
RETRY_S = 1.0


class Ingestion:
    """Migrates the tables, then consumes click.events, and deletes what deleted projects leave, until told to stop."""

    def __init__(self, clickhouse: ClickHouse, bootstrap: str, readiness: Readiness) -> None:
        self._clickhouse = clickhouse
        self._consumer: PlannedConsumer[ClickEvent] = PlannedConsumer(
            bootstrap=bootstrap,
            consumer=INGEST,
            topics=[CLICK_EVENTS],
            decode=decode,
            store=ClickStore(clickhouse),
            readiness=readiness,
        )
        self._removal = ProjectRemoval(clickhouse)
        self._deletions: PlannedConsumer[ProjectEvent] = PlannedConsumer(
            bootstrap=bootstrap,
            consumer=PROJECT_DELETIONS,
            topics=[LINK_EVENTS],
            decode=decode_project_event,
            store=ProjectStore(clickhouse, self._removal.noted),
            readiness=readiness,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Survives the loss of Kafka, and of a ClickHouse server. Raises when the embedded engine does not open."""
        if await self._migrated(stop):
            async with asyncio.TaskGroup() as tasks:
                for part in (self._consumer, self._deletions, self._removal):
                    tasks.create_task(part.run(stop))

    async def _migrated(self, stop: asyncio.Event) -> bool:
        """Whether the tables are there; False when told to stop before they were."""
        while not stop.is_set():
            try:
                await self._clickhouse.ingest(migrate)
            except Exception as error:
                if self._clickhouse.address.path:
                    raise
                log.warning("migrations wait for ClickHouse", error=f"{type(error).__name__}: {error}")
            else:
                return True
            await wait(stop, RETRY_S)
        return False
