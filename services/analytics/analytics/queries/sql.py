"""The statements behind the figures. No I/O; every value travels as a parameter, never inside the text."""

from collections.abc import Sequence
from dataclasses import dataclass

from analytics.queries.filters import Condition
from analytics.queries.intervals import Window

Value = str | bool | int | Sequence[str] | Sequence[bool] | Sequence[int]

MEASURES = """count() AS clicks,
    uniqExactIf((toDate(time), visitor), visitor != '') AS uniques,
    countIf(qr) AS scans"""
"""`uniques`: distinct visitors of each UTC day, added up; `time` is kept in UTC."""


@dataclass(frozen=True)
class Statement:
    """A query and its server-side parameters."""

    text: str
    parameters: dict[str, Value]


def count(project_id: str, window: Window, conditions: Sequence[Condition]) -> Statement:
    """One row: clicks, uniques, scans."""
    where, parameters = _where(project_id, window, conditions)
    return Statement(f"SELECT {MEASURES}\nFROM clicks\nWHERE {where}", parameters)


def timeseries(project_id: str, window: Window, conditions: Sequence[Condition]) -> Statement:
    """Rows: start of the bucket (ms), clicks, uniques, scans; buckets without a click are absent.

    ClickHouse is given the buckets' starts instead of a zone, so that it cuts days just as `intervals` does.
    """
    where, parameters = _where(project_id, window, conditions)
    bucket = "roundDown(toUnixTimestamp64Milli(time), {starts:Array(Int64)})"
    text = f"SELECT {bucket} AS start, {MEASURES}\nFROM clicks\nWHERE {where}\nGROUP BY start"
    return Statement(text, parameters | {"starts": list(window.starts)})


def first_event(project_id: str) -> Statement:
    """One row: the time of the project's first event (ms) and how many there are."""
    text = "SELECT toUnixTimestamp64Milli(min(time)), count() FROM clicks WHERE project_id = {project:String}"
    return Statement(text, {"project": project_id})


def _where(project_id: str, window: Window, conditions: Sequence[Condition]) -> tuple[str, dict[str, Value]]:
    parameters: dict[str, Value] = {"project": project_id, "from": window.start, "until": window.end}
    clauses = [
        "project_id = {project:String}",
        "time >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')",
        "time < fromUnixTimestamp64Milli({until:Int64}, 'UTC')",
    ]
    for number, condition in enumerate(conditions):
        name = f"filter_{number}"
        clauses.append(_clause(condition, name))
        parameters[name] = list(condition.values)  # type: ignore[assignment]  # all of one kind
    return " AND ".join(clauses), parameters


def _clause(condition: Condition, name: str) -> str:
    kind = "Bool" if isinstance(condition.values[0], bool) else "String"
    operator = "NOT IN" if condition.exclude else "IN"
    return f"{condition.column} {operator} {{{name}:Array({kind})}}"
