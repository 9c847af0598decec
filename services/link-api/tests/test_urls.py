"""Targets: which are taken, and the form in which they are stored."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from link_api.links.urls import target_url

SCHEMES = frozenset({"mailto", "tel", "intent"})


@pytest.mark.parametrize(
    ("given_url", "stored"),
    [
        ("https://codeqr.io", "https://codeqr.io"),
        ("https://codeqr.io/", "https://codeqr.io/"),
        ("example.com", "https://example.com"),
        ("//example.com/x", "https://example.com/x"),
        ("example.com:8080/x", "https://example.com:8080/x"),
        ("localhost:3000", "https://localhost:3000"),
        ("HTTP://Example.COM/Path", "http://example.com/Path"),
        ("münchen.de/straße?q=ü#ä", "https://xn--mnchen-3ya.de/stra%C3%9Fe?q=%C3%BC#%C3%A4"),
        ("https://日本語。jp", "https://xn--wgv71a119e.jp"),
        ("https://i❤.ws/", "https://xn--i-7iq.ws/"),
        ("https://my_bucket.example.com/", "https://my_bucket.example.com/"),
        ("https://a.com/a b%20c?x=<y>", "https://a.com/a%20b%20c?x=%3Cy%3E"),
        ("https://a.com?a[]=1&b=%zz&c={x}#!/y", "https://a.com?a[]=1&b=%zz&c={x}#!/y"),
        ("https://user:p%40w@example.com/", "https://user:p%40w@example.com/"),
        ("https://[::1]:80/x", "https://[::1]:80/x"),
        ("https://127.0.0.1/x", "https://127.0.0.1/x"),
        ("mailto:a@b.example", "mailto:a@b.example"),
        ("TEL:+123", "tel:+123"),
        ("intent://scan#Intent;end", "intent://scan#Intent;end"),
        ("  https://a.com ", "https://a.com"),
    ],
)
def test_stored_form(given_url: str, stored: str) -> None:
    assert target_url(given_url, SCHEMES) == stored


@pytest.mark.parametrize(
    "url",
    [
        "",
        "   ",
        "foo",
        "javascript:alert(1)",
        "javascript:1",
        "JaVaScRiPt://x.com/%0aalert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "http:/x",
        "http://",
        "https://?x",
        "https:\\\\evil.example",
        "http://good.example\\@evil.example",
        "https://a..b",
        "https://123",
        "https://0x7f.1",
        "https://1.2.3.256/",
        "https://[::g]/",
        "https://a.com:99999",
        "https://a.com:80x",
        "https://%61.com",
        "https://a b.com",
        "user@example.com",
        "mailto:",
        "https://a.com/\x00",
        "https://a.com/\r\nSet-Cookie: x",
        "https://a.com/\ud800",
        "https://a.com/\u202egnp.exe",
        "https://" + "a" * 64 + ".com",
        "https://a.com/" + "a" * 32_000,
        "https://a.com/" + "ä" * 20_000,
    ],
)
def test_refused(url: str) -> None:
    with pytest.raises(ValueError):
        target_url(url, SCHEMES)


@given(
    st.text(max_size=60)
    | st.from_regex(r"(https?://)?[a-zß-ü.]{1,20}\.[a-z]{2,5}(:[0-9]{1,4})?(/\S{0,20})?", fullmatch=True)
)
def test_what_is_stored_is_ascii_of_an_allowed_scheme_and_its_own_stored_form(text: str) -> None:
    try:
        stored = target_url(text, SCHEMES)
    except ValueError:
        return
    assert re.fullmatch(r"(https?://|mailto:|tel:|intent:)[\x21-\x7e]+", stored)
    assert target_url(stored, SCHEMES) == stored
