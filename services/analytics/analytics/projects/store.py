"""Which projects are gone, in ClickHouse."""

import io
from collections.abc import Callable, Sequence

import msgspec
from clickhouse_connect.driver.client import Client

from analytics.clickhouse.client import ClickHouse
from codeqr_common.events.links import ProjectEvent
from codeqr_common.times import iso

COLUMNS = ("project_id", "deleted_at", "stream", "partition", "offset")
STORED = """SELECT DISTINCT offset FROM deleted_projects
WHERE stream = {stream:String} AND partition = {partition:UInt16}
    AND offset >= {start:UInt64} AND offset < {end:UInt64}"""


class ProjectStore:
    """The `RangeStore` of `project.deleted`. A row that is there twice does no harm. Raises `ClickHouseUnavailable`."""

    def __init__(self, clickhouse: ClickHouse, noted: Callable[[], None]) -> None:
        """`noted` is called after projects were stored."""
        self._clickhouse = clickhouse
        self._noted = noted

    async def stored(self, stream: str, partition: int, start: int, end: int) -> set[int]:
        """Which offsets in `[start, end)` are there."""
        parameters = {"stream": stream, "partition": partition, "start": start, "end": end}

        def read(client: Client) -> set[int]:
            return {row[0] for row in client.query(STORED, parameters=parameters).result_rows}

        return await self._clickhouse.ingest(read)

    async def insert(self, stream: str, partition: int, events: Sequence[tuple[int, ProjectEvent]]) -> None:
        """Store `(offset, event)` rows."""
        rows = [(event.project_id, iso(event.time)[:-1], stream, partition, offset) for offset, event in events]

        def write(client: Client) -> None:
            body = io.BytesIO(msgspec.json.Encoder().encode_lines(rows))
            settings = {"async_insert": 0, "insert_deduplicate": 0}
            client.raw_insert("deleted_projects", list(COLUMNS), body, settings, "JSONCompactEachRow")

        await self._clickhouse.ingest(write)
        self._noted()
