"""The parameters of questions, as the reference shows them: from the same tables that read them."""

from enum import StrEnum
from typing import Any

from analytics.queries.filters import TEXTS
from analytics.queries.intervals import Interval
from analytics.queries.schemas import Event, GroupBy

NOT_GIVEN = ""
"""An empty value is none."""
MOMENT = {
    "anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}, {"const": NOT_GIVEN}]
}
LINK_OR_QR = "(link|qr)"
LISTED = "One value, a list with commas, or, with a leading `-`, what to leave out."


def question_parameters() -> dict[str, Any]:
    """FastAPI's `openapi_extra=` of every route that answers a question."""
    return {
        "parameters": [
            _parameter("event", _choice(Event, Event.CLICKS)),
            _parameter("groupBy", _choice(GroupBy, GroupBy.COUNT)),
            _parameter("interval", _choice(Interval, Interval.DAY)),
            _parameter("start", MOMENT),
            _parameter("end", MOMENT),
            _parameter("timezone", {"type": "string", "format": "time-zone", "default": "UTC"}),
            *(_parameter(name, {"type": "string", "description": LISTED}) for name in TEXTS),
            _parameter(
                "trigger",
                {"type": "string", "pattern": f"^({LINK_OR_QR}(,{LINK_OR_QR})*|-{LINK_OR_QR}(,-?{LINK_OR_QR})*)?$"},
            ),
            _parameter("qr", {"enum": ["true", "false", "1", "0", NOT_GIVEN]}),
            _parameter(
                "bot", {"type": "string", "enum": ["exclude", "only", "include", NOT_GIVEN], "default": "exclude"}
            ),
        ]
    }


def _choice(kind: type[StrEnum], default: StrEnum) -> dict[str, Any]:
    return {"type": "string", "enum": [*map(str, kind), NOT_GIVEN], "default": str(default)}


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema}
