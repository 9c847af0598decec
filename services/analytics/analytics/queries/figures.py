"""Answers a question from ClickHouse."""

from analytics.clickhouse.client import ClickHouse
from analytics.queries import sql
from analytics.queries.intervals import Window
from analytics.queries.parameters import Question
from analytics.queries.schemas import CountRow, GroupBy, TimeseriesRow
from analytics.queries.sql import Statement
from codeqr_common.times import iso, now_ms


class Figures:
    """Figures of one project at a time. Methods raise `ClickHouseUnavailable`."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    async def answer(self, project_id: str, question: Question) -> CountRow | list[TimeseriesRow]:
        """The rows of the contract for the question's grouping; raises `InvalidParameter` for a window that is none."""
        first_event = await self._first_event(project_id) if question.needs_first_event else None
        window = question.window(now_ms(), first_event)
        if question.group_by is GroupBy.COUNT:
            rows = await self._rows(sql.count(project_id, window, question.conditions))
            return CountRow(*rows[0])
        rows = await self._rows(sql.timeseries(project_id, window, question.conditions))
        return _series(window, rows)

    async def _first_event(self, project_id: str) -> int | None:
        (time, events), *_ = await self._rows(sql.first_event(project_id))
        return time if events else None

    async def _rows(self, statement: Statement) -> list[tuple[int, ...]]:
        return await self._clickhouse.rows(statement.text, statement.parameters)


def _series(window: Window, rows: list[tuple[int, ...]]) -> list[TimeseriesRow]:
    """A row for every bucket, those without a click too."""
    measures = {start: figures for start, *figures in rows}
    return [TimeseriesRow(iso(start), *measures.get(start, ())) for start in window.starts]
