from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirector.target import is_scan, target

BASES = st.sampled_from(
    ["https://example.com", "http://example.com/", "https://example.com/a%20b/ç", "HTTPS://EXAMPLE.com/x;y"]
)
TEXT = st.text("abcXYZ019-._~%+!*'()é/ :@", max_size=6)
PAIRS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "qr", "cq_id", "utm_source", "A", "é", "a b", ""]), TEXT), max_size=6
)
FRAGMENTS = st.sampled_from(["", "#", "#frag", "#/a?b=c&d"])


@pytest.mark.parametrize(
    ("url", "query", "expected"),
    [
        ("https://e.com/", "", "https://e.com/"),
        ("https://e.com/?", "", "https://e.com/?"),
        ("https://e.com/?a=%7e&&b#f?x=1", "", "https://e.com/?a=%7e&&b#f?x=1"),
        ("https://e.com/?a=%7e&&b#f", "qr=1", "https://e.com/?a=%7e&&b#f"),
        ("https://e.com/?a=%7e&&b#f", "qr=1&cq_id=x&&", "https://e.com/?a=%7e&&b#f"),
        ("https://e.com", "a=1", "https://e.com?a=1"),
        ("https://e.com/#f", "a=1", "https://e.com/?a=1#f"),
        ("https://e.com/?a=1&b=2&a=3", "a=9", "https://e.com/?a=9&b=2"),
        ("https://e.com/?a=1&b=2", "a=8&c=3&a=9", "https://e.com/?a=8&a=9&b=2&c=3"),
        ("https://e.com/?a%62=1", "ab=2", "https://e.com/?ab=2"),
        ("https://e.com/?qr=5", "qr=1", "https://e.com/?qr=5"),
        ("https://e.com/?qr=5", "x=1&qr=1", "https://e.com/?qr=5&x=1"),
        ("https://e.com/", "x=%C3%A9+%zz", "https://e.com/?x=%C3%A9+%zz"),
        ("https://e.com/", "A=1&a=2", "https://e.com/?A=1&a=2"),
        ("mailto:a@e.com", "x=1", "mailto:a@e.com"),
        ("tel:+5511", "x=1", "tel:+5511"),
    ],
)
def test_parameters_of_the_visitor(url: str, query: str, expected: str) -> None:
    assert target(url, query.encode()) == expected


def test_raw_bytes_become_percent_encoded() -> None:
    assert target("https://e.com/", b'x=\xe9"<>\r\n') == "https://e.com/?x=%E9%22%3C%3E%0D%0A"


@given(BASES, PAIRS, FRAGMENTS)
def test_without_parameters_of_the_visitor_nothing_changes(
    base: str, own: list[tuple[str, str]], fragment: str
) -> None:
    url = base + "?" + "&".join(f"{name}={value}" for name, value in own) + fragment
    assert target(url, b"") == url
    assert target(url, b"qr=1") == url


@given(BASES, PAIRS, PAIRS, FRAGMENTS)
def test_what_the_visitor_sends_replaces_and_the_rest_survives(
    base: str, own: list[tuple[str, str]], sent: list[tuple[str, str]], fragment: str
) -> None:
    def query(pairs: list[tuple[str, str]]) -> str:
        return "&".join(f"{name}={value}".replace("&", "") for name, value in pairs)

    def pairs_of(text: str) -> list[tuple[str, str]]:
        return parse_qsl(text, keep_blank_values=True)

    result = target(f"{base}?{query(own)}{fragment}", query(sent).encode())
    theirs = [pair for pair in pairs_of(query(sent)) if pair[0] not in ("qr", "cq_id")]
    names = {name for name, _ in theirs}
    found = pairs_of(urlsplit(result).query)
    assert result.startswith(base)
    assert result.partition("#")[1:] == fragment.partition("#")[1:] if fragment else "#" not in result
    assert [pair for pair in found if pair[0] not in names] == [p for p in pairs_of(query(own)) if p[0] not in names]
    for name in names:
        assert [v for n, v in found if n == name] == [v for n, v in theirs if n == name]


@given(st.binary(max_size=60))
def test_any_query_gives_a_location_that_can_be_sent(query: bytes) -> None:
    location = target("https://e.com/", query)
    assert location.isascii()
    assert location.isprintable()
    assert " " not in location


@pytest.mark.parametrize(
    ("query", "scan"),
    [("qr=1", True), ("a=2&qr=1", True), ("qr=0", False), ("qr", False), ("xqr=1", False), ("", False)],
)
def test_scans(query: str, scan: bool) -> None:
    assert is_scan(query) is scan
