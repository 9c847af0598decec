"""What callers may send for a tag."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from link_api.tags.repository import COLORS, color_of, fold_name
from link_api.tags.schemas import ChangeTag, CreateTag


@pytest.mark.parametrize("name", ["x", "x" * 190, " " + "x" * 190 + " "])
def test_names_have_1_to_190_characters_without_outer_blanks(name: str) -> None:
    assert CreateTag(name=name).name == name.strip()
    assert ChangeTag(name=name).name == name.strip()


@pytest.mark.parametrize("model", [CreateTag, ChangeTag])
@pytest.mark.parametrize(
    "body", [{"name": ""}, {"name": " \t"}, {"name": "x" * 191}, {"name": "\x00"}, {"name": "x", "color": "Red"}]
)
def test_what_is_no_tag(model: type[BaseModel], body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        model.model_validate(body)


@pytest.mark.parametrize("body", [{"name": None}, {"color": None}])
def test_a_change_clears_nothing(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="cannot be cleared"):
        ChangeTag.model_validate(body)


def test_equal_names_have_equal_colours() -> None:
    assert fold_name("STRASSE") == fold_name("Straße") == "strasse"
    assert color_of("STRASSE") == color_of("Straße")
    assert {color_of(f"tag {number}") for number in range(200)} == set(COLORS)
