"""Bodies: both spellings, what is ignored, what is cut, what null means."""

import pytest
from pydantic import ValidationError

from link_api.links.schemas import BulkChange, ChangeLink, CreateLink, ListLinks


def test_both_spellings_are_taken_and_unknown_fields_ignored() -> None:
    snake = CreateLink.model_validate({"url": "a.com", "external_id": "ext_7", "tag_names": "a, b", "wallet": {}})
    camel = CreateLink.model_validate({"url": "a.com", "externalId": "7", "tagNames": ["a", "b"]})
    assert snake == camel
    assert snake.external_id == "7"
    assert snake.tag_names == ["a", "b"]


@pytest.mark.parametrize(
    ("value", "entries"),
    [("a", ["a"]), ("a,b", ["a", "b"]), (["a,b", " c ", ""], ["a,b", "c"]), ("", []), ([], []), (None, None)],
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
        ({}, ()),
        ({"flexible": False}, ()),
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
    assert ListLinks.model_validate({"pageSize": "10", "page": "2", "showArchived": "1"}).page_size == 10


def test_a_page_is_named_in_one_way() -> None:
    assert ListLinks.model_validate({"startingAfter": "link_1"}).starting_after == "link_1"
    with pytest.raises(ValidationError):
        ListLinks.model_validate({"startingAfter": "link_1", "page": "1"})


@pytest.mark.parametrize(
    "body",
    [
        {"data": {}},
        {"linkIds": [], "data": {}},
        {"linkIds": ["link_1"]},
        {"linkIds": [f"link_{n}" for n in range(101)], "data": {}},
        {"linkIds": ["link_1"], "data": {"key": "x"}},
        {"linkIds": ["link_1"], "data": {"external_id": "x"}},
        {"linkIds": ["link_1"], "data": {"domain": None}},
    ],
)
def test_bulk_changes_name_1_to_100_links_and_no_names_in_the_data(body: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        BulkChange.model_validate(body)


def test_bulk_changes_take_ids_and_external_ids() -> None:
    body = BulkChange.model_validate({"link_ids": "a,b", "externalIds": ["ext_1", "2"], "data": {"title": "T"}})
    assert body.references == ["a", "b", "ext_1", "ext_2"]
