"""Deletes the clicks of deleted projects.

Ingestion's exactness rests on what is stored, so it matters that rows go away. It asks the table two things:

- *Of a planned range, which offsets are there?* (after a crash). Rows of a deleted project that are gone look missing
  and are inserted again; every other row is where it was, so nothing else is inserted twice or left out.
- *Is anything stored beyond the offset that Kafka names?* (a broker that has just started may name an old one). If all
  that was stored beyond it is gone, the old offset is believed, and the range is read again: of the rows in it, all are
  a deleted project's. If any other row lies there, the answer is known to be old, as ever.

So rows of deleted projects may come back, by either way, or arrive late for the first time: from Kafka, which keeps
them for days, or from the spool of a redirector that was cut off for longer. No time is known after which that cannot
be. So the projects are remembered for good, and it is looked again and again whether there are rows of theirs. Nobody
is shown such rows meanwhile, for nobody has a key of the project.

A deletion is a mutation: ClickHouse notes it on disk, rewrites the parts concerned in the background, replaces each as
a whole, and goes on with that after a crash. It touches rows only that were stored before it.
"""

import asyncio

from clickhouse_connect.driver.client import Client

from analytics.clickhouse.client import ClickHouse
from codeqr_common.kafka.sessions import wait
from codeqr_common.logs import get_logger

log = get_logger(__name__)
LOOK_EVERY_S = 60.0
LEFT = "SELECT DISTINCT project_id FROM clicks WHERE project_id IN (SELECT project_id FROM deleted_projects)"
UNDER_WAY = """SELECT mutation_id, latest_fail_reason FROM system.mutations
WHERE database = currentDatabase() AND table = 'clicks' AND NOT is_done"""
DELETE = "ALTER TABLE clicks DELETE WHERE project_id IN {projects:Array(String)}"


class ProjectRemoval:
    """Looks for clicks of deleted projects every minute, and at once when a project was deleted."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse
        self._noted = asyncio.Event()

    def noted(self) -> None:
        """A project was deleted: look now."""
        self._noted.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. Survives the loss of ClickHouse."""
        while not stop.is_set():
            self._noted.clear()
            try:
                await self.look()
            except Exception as error:
                log.warning("removal of projects put off", error=f"{type(error).__name__}: {error}"[:300])
            await self._pause(stop)

    async def look(self) -> list[str]:
        """Have ClickHouse delete what is left of deleted projects. Gives the projects of which there was something.

        While an earlier deletion is under way nothing is asked for: the next look finds what that one leaves.
        """
        left = [str(row[0]) for row in await self._clickhouse.rows(LEFT, {})]
        if not left:
            return []
        if under_way := await self._clickhouse.rows(UNDER_WAY, {}):
            log.info("clicks are being deleted", mutation=under_way[0][0], failure=under_way[0][1])
            return left

        def delete(client: Client) -> None:
            client.command(DELETE, parameters={"projects": left})

        await self._clickhouse.ingest(delete)
        log.info("clicks of deleted projects go", projects=left)
        return left

    async def _pause(self, stop: asyncio.Event) -> None:
        stopping = asyncio.ensure_future(stop.wait())
        noted = asyncio.ensure_future(wait(self._noted, LOOK_EVERY_S))
        await asyncio.wait([stopping, noted], return_when=asyncio.FIRST_COMPLETED)
        for task in (stopping, noted):
            task.cancel()
        await asyncio.gather(stopping, noted, return_exceptions=True)
