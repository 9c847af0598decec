"""Slugs of domains, and the slugs that a Host header may mean."""

import pytest

from link_api.domains.validation import domain_slug
from link_api.hosts import slugs_of


@pytest.mark.parametrize(
    ("text", "slug"),
    [("Go.Example.COM", "go.example.com"), ("go.example.com.", "go.example.com"), ("münchen.de", "xn--mnchen-3ya.de")],
)
def test_slugs(text: str, slug: str) -> None:
    assert domain_slug(text, local=False) == slug


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "a.b:80",
        "127.0.0.1",
        "a b.com",
        "-a.com",
        "a_b.com",
        "https://a.com",
        "a.com/x",
        f"{'a.' * 122}ab",
    ],
)
def test_what_is_no_public_slug(text: str) -> None:
    with pytest.raises(ValueError):
        domain_slug(text, local=False)


def test_a_slug_leaves_room_for_its_verification_record() -> None:
    longest = f"{'a.' * 121}abc"
    assert domain_slug(longest, local=False) == longest


def test_local_slugs_may_hold_a_port() -> None:
    assert domain_slug("localhost:8401", local=True) == "localhost:8401"
    assert domain_slug("Short.Test:08401", local=True) == "short.test:8401"


@pytest.mark.parametrize(
    ("host", "slugs"),
    [
        ("Go.Example.com", ("go.example.com",)),
        ("go.example.com:8401", ("go.example.com:8401", "go.example.com")),
        ("go.example.com.", ("go.example.com",)),
    ],
)
def test_slugs_of_a_host(host: str, slugs: tuple[str, ...]) -> None:
    assert slugs_of(host) == slugs
