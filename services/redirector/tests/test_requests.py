"""Hosts and languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirector.domains.hosts import candidates
from redirector.languages import preferred
from redirector.requests import VisitorRequest


@pytest.mark.parametrize(
    ("host", "slugs"),
    [
        ("go.example", ("go.example",)),
        ("GO.Example.", ("go.example",)),
        ("localhost:8401", ("localhost:8401", "localhost")),
        ("go.example.:443", ("go.example:443", "go.example")),
        ("bücher.example", ("xn--bcher-kva.example",)),
        ("BÜCHER.example:80", ("xn--bcher-kva.example:80", "xn--bcher-kva.example")),
        ("[::1]:8401", ("[::1]:8401", "[::1]")),
        ("", ()),
        ("a b", ()),
        ("go.example:port", ()),
        ("user@go.example", ()),
        ("go.example/x", ()),
        ("x" * 400, ()),
    ],
)
def test_hosts(host: str, slugs: tuple[str, ...]) -> None:
    assert candidates(host) == slugs


@given(st.text(max_size=40))
def test_any_host_gives_ascii_slugs_or_none(host: str) -> None:
    assert all(slug.isascii() and slug == slug.lower() for slug in candidates(host))


@pytest.mark.parametrize(
    ("header", "languages"),
    [
        ("", []),
        ("*", []),
        ("pt-BR,pt;q=0.9,en;q=0.8", ["pt", "pt", "en"]),
        ("en;q=0.1, ja;q=0.9", ["ja", "en"]),
        ("en;q=0, es", ["es"]),
        ("en;q=nan, es;q=x, ja;q=1e9, pt", ["pt"]),
        ("<script>, x" + ",<b>" * 100, ["x"]),
    ],
)
def test_languages(header: str, languages: list[str]) -> None:
    assert preferred(header)[: max(1, len(languages))] == languages


@given(st.binary(max_size=60))
def test_any_bytes_become_text_that_can_be_written(value: bytes) -> None:
    request = VisitorRequest(
        {"method": "GET", "path": "/", "query_string": b"", "headers": [(b"user-agent", value)], "client": None}
    )
    assert request.header(b"user-agent").encode() == request.header(b"user-agent").encode("utf-8", "strict")
