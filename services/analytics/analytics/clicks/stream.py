"""All stored clicks, page by page in the table's own order, while ingestion goes on.

Rows never change, and go away with their project only; and the order is total but for rows of one link in one
millisecond, of which a page always takes all (`WITH TIES`). So every row that was there when the stream began comes
once for each time it is stored, memory holds one page, and rows that are stored meanwhile may come or not.
"""

from collections.abc import AsyncIterator
from typing import Any

from analytics.clickhouse.client import ClickHouse
from analytics.clicks.schemas import ClickLine
from codeqr_common.times import iso

PAGE_ROWS = 5_000
Position = tuple[str, str, int]
"""Project, link and time (ms) of the last row of a page."""

AFTER = """project_id >= {project:String} AND (
    project_id > {project:String}
    OR link_id > {link:String}
    OR (link_id = {link:String} AND time > fromUnixTimestamp64Milli({time:Int64}, 'UTC')))"""
COLUMNS = "project_id, link_id, toUnixTimestamp64Milli(time), id, referrer_url, bot"
ORDER = "ORDER BY project_id, link_id, time LIMIT {rows:UInt32} WITH TIES"


class ClickStream:
    """Reads stored clicks. Raises `ClickHouseUnavailable`."""

    def __init__(self, clickhouse: ClickHouse, page_rows: int = PAGE_ROWS) -> None:
        self._clickhouse = clickhouse
        self._page_rows = page_rows

    async def pages(self, project_id: str | None) -> AsyncIterator[list[ClickLine]]:
        """Pages of lines, of one project or of all; at least one page, which may be empty."""
        rows = await self._page(project_id, None)
        yield _lines(rows)
        while len(rows) >= self._page_rows:
            rows = await self._page(project_id, rows[-1][:3])
            yield _lines(rows)

    async def _page(self, project_id: str | None, after: Position | None) -> list[tuple[Any, ...]]:
        clauses = ["1"]
        parameters: dict[str, str | int] = {"rows": self._page_rows}
        if project_id is not None:
            clauses.append("project_id = {only:String}")
            parameters["only"] = project_id
        if after is not None:
            clauses.append(AFTER)
            parameters |= dict(zip(("project", "link", "time"), after, strict=True))
        text = f"SELECT {COLUMNS} FROM clicks WHERE {' AND '.join(clauses)} {ORDER}"  # noqa: S608 - our own text only
        return await self._clickhouse.rows(text, parameters)


def _lines(rows: list[tuple[Any, ...]]) -> list[ClickLine]:
    return [
        ClickLine(id, link_id, iso(time), referrer_url or None, bot) for _, link_id, time, id, referrer_url, bot in rows
    ]
