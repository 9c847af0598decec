"""Whose address a request comes from."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeqr_common.http.client_address import client_address, parse_address

LOCAL = (ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


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
