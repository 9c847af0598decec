"""The checked-in part of the reference is what the code gives, and names every route."""

from pathlib import Path

from analytics.reference import application, part
from codeqr_common.http.openapi import hidden_paths, written

CHECKED_IN = Path(__file__).parents[1] / "openapi.json"


def test_the_checked_in_part_is_what_the_code_gives() -> None:
    assert CHECKED_IN.read_text("utf-8") == written(part()), "run `make openapi`"


def test_every_route_is_shown() -> None:
    assert hidden_paths(application()) == set()
