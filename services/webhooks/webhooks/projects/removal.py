"""Removes what deleted projects leave: endpoints, events, deliveries, attempts, copies of links, kept answers.

The dispatcher only notes that a project is gone, for a transaction that moves an offset must be short. What still comes
after the note, such as a link's deletion from another partition, or an endpoint made by a key whose revocation had not
got round, is found by looking again.
"""

import asyncio

from sqlalchemy.ext.asyncio import AsyncEngine

from codeqr_common.kafka.sessions import wait
from codeqr_common.logs import get_logger
from webhooks.projects import repository

log = get_logger(__name__)
LOOK_EVERY_S = 1.0
BATCH = 2_000
REMEMBERED_DAYS = 10
"""Longer than Kafka keeps events."""


class ProjectRemoval:
    """Looks for deleted projects, again and again. Several may: what one has removed the other does not find."""

    def __init__(self, engine: AsyncEngine, batch: int = BATCH) -> None:
        self._engine = engine
        self._batch = batch

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. Survives the loss of the database."""
        while not stop.is_set():
            try:
                await self.look(stop)
            except Exception as error:
                log.warning("removal of projects put off", error=f"{type(error).__name__}: {error}"[:300])
            await wait(stop, LOOK_EVERY_S)

    async def look(self, stop: asyncio.Event) -> None:
        """Remove what is left of each deleted project that is due."""
        async with self._engine.connect() as connection:
            due = await repository.due(connection)
        for project_id in due:
            if not stop.is_set():
                await self._remove(project_id, stop)

    async def _remove(self, project_id: str, stop: asyncio.Event) -> None:
        """In batches, so that no lock is held for long."""
        rows = 0
        for removal in repository.REMOVALS:
            removed = 1
            while removed and not stop.is_set():
                async with self._engine.begin() as connection:
                    removed = await repository.remove(connection, removal, project_id, self._batch)
                rows += removed
        if not stop.is_set():
            async with self._engine.begin() as connection:
                await repository.put_off(connection, project_id, REMEMBERED_DAYS)
        if rows:
            log.info("project removed", deleted_project=project_id, rows=rows)
