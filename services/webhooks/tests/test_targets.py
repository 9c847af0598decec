from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks.endpoints.targets import TargetPolicy, TargetRefused, checked_target, literal_address

STRICT = TargetPolicy(allow_http=False, allowed=())
LOCAL = TargetPolicy(allow_http=True, allowed=(ip_network("127.0.0.0/8"), ip_network("::1/128")))

LITERALS = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "2130706433",
    "017700000001",
    "0177.0.0.1",
    "0x7f.1",
    "0x7f000001",
    "0X7F.0.0.1",
    "127。0。0。1",
    "１２７.0.0.1",
    "①②⑦.0.0.1",
    "10.0.0.1",
    "169.254.169.254",
    "2852039166",
    "0.0.0.0",
    "0",
    "0x",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "[fe80::1%25eth0]",
    "[fd00:ec2::254]",
    "localhost",
    "LOCALHOST",
    "a.localhost",
    "localhost.",
    "127%2e0%2e0%2e1",
]


@pytest.mark.parametrize("host", LITERALS)
def test_addresses_that_are_not_public_are_refused_in_any_spelling(host: str) -> None:
    with pytest.raises(TargetRefused):
        checked_target(f"https://{host}/hook", STRICT)
    with pytest.raises(TargetRefused):
        checked_target(f"https://user:word@{host}:8443/hook", STRICT)


@pytest.mark.parametrize(
    ("given_url", "saved"),
    [
        ("https://example.com/hook?a=1", "https://example.com/hook?a=1"),
        (" https://example.com ", "https://example.com"),
        ("https://bücher.example/x#part", "https://xn--bcher-kva.example/x"),
        ("https://8.8.8.8/", "https://8.8.8.8/"),
        ("https://[2606:4700::1111]:8443/", "https://[2606:4700::1111]:8443/"),
        ("https://127.0.0.1.example.com/", "https://127.0.0.1.example.com/"),
    ],
)
def test_public_targets_are_saved(given_url: str, saved: str) -> None:
    assert checked_target(given_url, STRICT) == saved


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "example.com",
        "https://",
        "https:///x",
        "//example.com",
        "https://exa mple.com/",
        "https://exa\tmple.com/",
        "https://example.com:99999/",
        "https://[::1/",
        "https://1.2.3.4.5/",
        "https://256.1.1.1/",
        "https://1.2.3.09/",
        "https://8.8.2056/",
        "https://127.0.0.1\\@example.com/",
    ],
)
def test_what_is_no_https_url_is_refused(url: str) -> None:
    with pytest.raises(TargetRefused):
        checked_target(url, STRICT)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9811/hook", "http://localhost:9811/", "http://[::1]:9811/"])
def test_a_local_run_lets_loopback_through(url: str) -> None:
    assert checked_target(url, LOCAL) == url


@pytest.mark.parametrize("url", ["http://2130706433/", "http://10.0.0.1/", "http://[::ffff:127.0.0.1]/"])
def test_and_nothing_else(url: str) -> None:
    with pytest.raises(TargetRefused):
        checked_target(url, LOCAL)


@given(st.ip_addresses(v=4), st.sampled_from(["{:d}", "0x{:x}", "0{:o}"]))
def test_one_number_spells_the_whole_address(address: object, form: str) -> None:
    number = int(address)  # type: ignore[call-overload]
    if number:
        assert literal_address(form.format(number)) == address


@given(st.text(max_size=60))
def test_any_text_is_saved_or_refused(text: str) -> None:
    try:
        saved = checked_target(f"https://{text}", STRICT)
    except TargetRefused:
        return
    assert saved.startswith("https://")
