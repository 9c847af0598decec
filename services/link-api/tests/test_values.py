"""From bodies to columns."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeqr_common.errors import ApiError
from codeqr_common.short_links import fold_key
from link_api.links import listing
from link_api.links.loops import name_of
from link_api.links.names import Name
from link_api.links.passwords import hashes_of, matches
from link_api.links.schemas import ChangeLink
from link_api.links.values import DEFAULTS, LinkValues, new_password, targets, with_derived

VALUES = LinkValues(frozenset({"mailto", "tel"}))


def read(body: dict[str, Any]) -> dict[str, Any]:
    return VALUES.read(ChangeLink.model_validate(body))


@pytest.mark.parametrize(
    ("body", "values"),
    [
        ({}, {}),
        ({"url": "a.com"}, {"url": "https://a.com"}),
        ({"key": "/Straße/"}, {"key": "Straße", "key_folded": "strasse"}),
        ({"archived": None, "doIndex": "1"}, {"archived": False, "do_index": True}),
        ({"geo": {"br": "a.com", "US": "tel:1"}}, {"geo": {"BR": "https://a.com", "US": "tel:1"}}),
        ({"geo": {}}, {"geo": None}),
        ({"rules": []}, {"rules": None}),
        ({"utm_source": "  x "}, {"utm_source": "x"}),
        ({"utm_source": " "}, {"utm_source": None}),
        ({"ios": ""}, {"ios": None}),
        ({"expiresAt": None}, {"expires_at": None}),
        ({"webhookIds": "a,b,a"}, {"webhook_ids": ["a", "b"]}),
        ({"unknown": 1, "projectId": "x", "id": "y", "clicks": 7}, {}),
    ],
)
def test_columns_of_a_body(body: dict[str, Any], values: dict[str, Any]) -> None:
    assert read(body) == values


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"geo": {"XX": "a.com"}}, "geo.XX: "),
        ({"geo": {"BR": "javascript:alert(1)"}}, "geo.BR: "),
        ({"image": "mailto:a@b.c"}, "image: "),
        ({"expiredUrl": "nonsense"}, "expiredUrl: "),
        ({"pageUrl": "data:text/html,x"}, "pageUrl: "),
        (
            {"rules": [{"attribute": "city", "operator": "equals", "value": "x", "url": "file:///x"}]},
            "rules.0.url: ",
        ),
        (
            {"rules": [{"split": [{"url": "a.com", "weight": 1}, {"url": "b c", "weight": 99}]}]},
            "rules.0.split.1.url: ",
        ),
    ],
)
def test_bad_values_are_named(body: dict[str, Any], message: str) -> None:
    with pytest.raises(ApiError) as caught:
        read(body)
    assert (caught.value.code, caught.value.message[: len(message)]) == ("unprocessable_entity", message)


def test_a_flexible_link_is_filled_when_it_has_a_url() -> None:
    row = DEFAULTS | {"key": "k", "flexible": True}
    assert with_derived(row)["filled"] is False
    assert with_derived(row | {"url": "https://a.com"})["filled"] is True
    assert with_derived(row | {"url": "https://a.com", "flexible": False})["filled"] is False
    with pytest.raises(ApiError):
        with_derived(row | {"flexible": False})


def test_the_mask_changes_no_password() -> None:
    assert new_password(ChangeLink.model_validate({"password": "********"}))[0] is False
    assert new_password(ChangeLink.model_validate({"password": ""})) == (True, None)
    assert new_password(ChangeLink.model_validate({"password": "x"})) == (True, "x")


async def test_passwords_are_kept_as_hashes() -> None:
    hashes = await hashes_of(["geheim", "geheim", "anders"])
    assert set(hashes) == {"geheim", "anders"}
    assert "geheim" not in hashes["geheim"]
    assert matches("geheim", hashes["geheim"])
    assert not matches("anders", hashes["geheim"])


def test_every_url_that_may_send_somebody_away_is_a_target() -> None:
    row = DEFAULTS | {
        "url": "u",
        "ios": "i",
        "android": "a",
        "expired_url": "e",
        "page_url": "p",
        "image": "picture",
        "geo": {"BR": "g"},
        "rules": [
            {"attribute": "city", "url": "r"},
            {"split": [{"url": "s", "weight": 1}, {"url": "t", "weight": 99}]},
        ],
    }
    assert dict(targets(row)) == {
        "url": "u",
        "ios": "i",
        "android": "a",
        "expiredUrl": "e",
        "pageUrl": "p",
        "geo.BR": "g",
        "rules.0.url": "r",
        "rules.1.split.0.url": "s",
        "rules.1.split.1.url": "t",
    }


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://d.com/Key", Name("d.com", "key")),
        ("http://user@D.com:81/a%2Fb/?qr=1#x", Name("d.com:81", "a/b")),
        ("https://d.com/key+", Name("d.com", "key")),
        ("https://d.com", Name("d.com", "")),
        ("https://d.com/x/../a/./%2e%2e/Key", Name("d.com", "key")),
        ("https://d.com/../a/../Key/", Name("d.com", "key")),
        ("mailto:a@d.com", None),
        ("https://d.com/a%00", None),
    ],
)
def test_the_short_link_that_a_url_names(url: str, name: Name | None) -> None:
    assert name_of(url) == name


@given(st.text(min_size=1, max_size=12), st.text(max_size=30), st.text(max_size=30))
def test_the_grams_of_a_term_are_among_those_of_every_text_that_holds_it(term: str, before: str, after: str) -> None:
    folded = fold_key(term).encode("utf-8", "replace")
    whole = before.encode("utf-8", "replace") + folded + after.encode("utf-8", "replace")
    if folded:
        asked = listing.grams(folded)
        held = _all_grams(whole)
        found = [number in held for number in asked.numbers]
        assert all(found) if asked.every else any(found)


def _all_grams(text: bytes) -> set[int]:
    """What `links.ngrams` gives, before it is mixed with the project."""
    ended = text + b"\n\n"
    return set(text) | {256 + int.from_bytes(ended[at : at + 3], "big") for at in range(len(text))}


def test_triples_that_nearly_every_text_has_are_not_looked_up() -> None:
    texts = [f"https://{name}.example.com/{name}" for name in ("abc", "bcd", "cde", "def", "efg", "fgh")]
    whole = listing.grams(b"xyz.example.")
    chosen = listing.telling(b"xyz.example.", texts)
    assert chosen.every
    assert set(chosen.numbers) == set(listing.grams(b"xyz.e").numbers)
    assert set(chosen.numbers) < set(whole.numbers)
    common = listing.telling(b"example.com", texts)
    assert len(common.numbers) == listing.FEW_TRIPLES
    assert set(common.numbers) < set(listing.grams(b"example.com").numbers)
    assert listing.telling(b"xyz.example.", []) == whole
    assert listing.telling(b"com/", texts) == listing.grams(b"com/")
