"""Where planned ranges of clicks go: rows that know the Kafka record they came from, inserted once.

Insert tokens cannot be trusted on a plain MergeTree, nor in the embedded engine: the note of a token is written before
the part is renamed, and a death in between loses the rows for good. So de-duplication is off, one process owns the
data, and after a crash the table itself says which offsets of a range it has.
"""

import io
import time
from collections.abc import Sequence

from clickhouse_connect.driver.client import Client

from analytics.clickhouse.client import ClickHouse
from analytics.ingest.metrics import INSERT_DURATION, INSERTED_ROWS
from analytics.ingest.rows import COLUMNS, json_columns
from codeqr_common.events.clicks import ClickEvent

STORED = """SELECT DISTINCT offset FROM clicks
WHERE stream = {stream:String} AND partition = {partition:UInt16}
    AND offset >= {start:UInt64} AND offset < {end:UInt64}"""
END_INSERTS = "KILL QUERY WHERE Settings['log_comment'] = {comment:String} SYNC"


class ClickStore:
    """The `RangeStore` of clicks. Methods raise `ClickHouseUnavailable`; an insert that raised may be there in part."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    async def stored(self, stream: str, partition: int, start: int, end: int) -> set[int]:
        """Which offsets in `[start, end)` are there. No earlier insert of ours can add to them afterwards."""

        def read(client: Client) -> set[int]:
            client.command(END_INSERTS, parameters={"comment": _comment(stream, partition)})
            parameters = {"stream": stream, "partition": partition, "start": start, "end": end}
            return {row[0] for row in client.query(STORED, parameters=parameters).result_rows}

        return await self._clickhouse.ingest(read)

    async def insert(self, stream: str, partition: int, events: Sequence[tuple[int, ClickEvent]]) -> None:
        """Store `(offset, click)` rows. They are in the page cache on return: safe from the death of any process."""
        if not events:
            return

        def write(client: Client) -> None:
            # A body that can be read only once: given bytes, the library would send the insert again by itself after
            # a connection that broke, perhaps after ClickHouse had stored it.
            body = io.BytesIO(json_columns(stream, partition, events))
            settings = {"async_insert": 0, "insert_deduplicate": 0, "log_comment": _comment(stream, partition)}
            client.raw_insert("clicks", list(COLUMNS), body, settings, "JSONColumns")

        began = time.perf_counter()
        await self._clickhouse.ingest(write)
        INSERT_DURATION.observe(time.perf_counter() - began)
        INSERTED_ROWS.inc(len(events))


def _comment(stream: str, partition: int) -> str:
    """Marks our inserts into one partition's rows, so that one whose outcome is unknown can be found and ended."""
    return f"ingest {stream}/{partition}"
