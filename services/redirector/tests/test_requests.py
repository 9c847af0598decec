"""Hosts, client addresses and languages."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redirector.client_address import client_address, parse_address
from redirector.domains.hosts import candidates
from redirector.languages import preferred
from redirector.requests import VisitorRequest

LOCAL = (ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


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
    ("peer", "forwarded", "address"),
    [
        ("9.9.9.9", [], "9.9.9.9"),
        ("9.9.9.9", ["1.2.3.4"], "9.9.9.9"),
        ("127.0.0.1", ["1.2.3.4"], "1.2.3.4"),
        ("127.0.0.1", ["6.6.6.6, 1.2.3.4"], "1.2.3.4"),
        ("127.0.0.1", ["6.6.6.6, 1.2.3.4, 10.1.1.1"], "1.2.3.4"),
        ("127.0.0.1", ["6.6.6.6", "1.2.3.4"], "1.2.3.4"),
        ("127.0.0.1", ["10.0.0.9, 10.0.0.8"], "10.0.0.9"),
        ("127.0.0.1", ["1.2.3.4, nonsense"], "127.0.0.1"),
        ("127.0.0.1", ["1.2.3.4, nonsense, 10.0.0.1"], "10.0.0.1"),
        ("127.0.0.1", ["1.2.3.4:5678"], "1.2.3.4"),
        ("127.0.0.1", ["[2001:db8::7]:80"], "2001:db8::7"),
        ("::ffff:127.0.0.1", ["::ffff:1.2.3.4"], "1.2.3.4"),
        ("fd00::1", ["2001:DB8:0:0::7"], "2001:db8::7"),
        ("", ["1.2.3.4"], ""),
    ],
)
def test_client_addresses(peer: str, forwarded: list[str], address: str) -> None:
    assert client_address(peer, forwarded, LOCAL) == address


@given(st.lists(st.text(max_size=20), max_size=4))
def test_an_untrusted_peer_is_its_own_word(forwarded: list[str]) -> None:
    assert client_address("9.9.9.9", forwarded, LOCAL) == "9.9.9.9"


@given(st.lists(st.text(max_size=30), max_size=4))
def test_any_header_gives_an_address(forwarded: list[str]) -> None:
    assert parse_address(client_address("127.0.0.1", forwarded, LOCAL)) is not None


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
