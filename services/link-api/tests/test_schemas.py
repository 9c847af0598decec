"""Bodies: both spellings, what is ignored, what is cut, what null means."""

import pytest
from pydantic import ValidationError

from link_api.links.schemas import ChangeLink, CreateLink, LinkFilters


def test_both_spellings_are_taken_and_unknown_fields_ignored() -> None:
    snake = CreateLink.model_validate({"url": "a.com", "external_id": "ext_7", "tag_names": "a, b", "wallet": {}})
    camel = CreateLink.model_validate({"url": "a.com", "externalId": "7", "tagNames": ["a", "b"]})
    assert snake == camel
    assert snake.external_id == "7"
    assert snake.tag_names == ["a", "b"]


@pytest.mark.parametrize(
    ("value", "entries"),
    [("a", ["a"]), ("a,b", ["a", "b"]), (["a,b", " c "], ["a", "b", "c"]), ("", []), ([], []), (None, None)],
)
def test_lists_come_as_string_comma_list_or_array(value: object, entries: list[str] | None) -> None:
    assert ChangeLink.model_validate({"tagIds": value}).tag_ids == entries


def test_titles_and_descriptions_are_cut() -> None:
    body = ChangeLink.model_validate({"title": "t" * 200, "description": "d" * 300})
    assert body.title == "t" * 120
    assert body.description == "d" * 240


def test_absent_and_null_differ() -> None:
    assert ChangeLink.model_validate({"title": None}).model_fields_set == {"title"}
    assert ChangeLink.model_validate({}).model_fields_set == set()


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, ("url",)),
        ({"url": 1}, ("url",)),
        ({"url": "a.com", "keyLength": 2}, ("keyLength",)),
        ({"url": "a.com", "keyLength": 191.0}, ("keyLength",)),
        ({"url": "a.com", "externalId": "x" * 256}, ("externalId",)),
        ({"url": "a.com", "tagIds": [1]}, ("tagIds", 0)),
        ({"url": "a.com", "title": "a\x00"}, ("title",)),
        ({"url": "a.com", "title": "a\ud800"}, ("title",)),
    ],
)
def test_bad_values_are_named(body: dict[str, object], path: tuple[object, ...]) -> None:
    with pytest.raises(ValidationError) as caught:
        CreateLink.model_validate(body)
    assert caught.value.errors()[0]["loc"] == path


def test_numbers_may_come_as_floats_and_texts() -> None:
    assert CreateLink.model_validate({"url": "a.com", "keyLength": "5.0"}).key_length == 5
    assert LinkFilters.model_validate({"pageSize": "10", "page": "2", "showArchived": "1"}).page_size == 10
