"""Which URLs an endpoint may have: checked when it is saved. Where its host leads is checked at every attempt."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address

from yarl import URL

from webhooks.delivery.network import is_allowed
from webhooks.settings import Network

NOT_PUBLIC = "must not name an address that is not public"
LOOPBACK = ip_address("127.0.0.1")


class TargetRefused(ValueError):
    """What is wrong with the URL, as the end of a sentence that begins with `url: `."""


@dataclass(frozen=True)
class TargetPolicy:
    """`allowed`: networks that are let through although they are not public."""

    allow_http: bool
    allowed: Sequence[Network]


def checked_target(text: str, policy: TargetPolicy) -> str:
    """The URL as it is to be saved. Raises `TargetRefused`.

    A host that is an address in any spelling (decimal, octal, hex, short, IPv6 with an IPv4 inside) must be a public
    one, and be written the usual way, for no other is ever connected to.
    """
    url = _parsed(text.strip())
    if url.scheme not in (("http", "https") if policy.allow_http else ("https",)):
        raise TargetRefused("must be an http(s) URL" if policy.allow_http else "must be an https URL")
    host = (url.raw_host or "").rstrip(".")
    if not host or any(character in host for character in "%_ ") or not host.isascii():
        raise TargetRefused("must name a host")
    _check_host(host.lower(), policy.allowed)
    return str(url.with_fragment(None))


def _parsed(text: str) -> URL:
    if any(unicodedata.category(character) == "Cc" or character.isspace() for character in text):
        raise TargetRefused("must not hold spaces or control characters")
    try:
        return URL(text)
    except ValueError as error:
        raise TargetRefused("is not a URL") from error


def _check_host(host: str, allowed: Sequence[Network]) -> None:
    if host == "localhost" or host.endswith(".localhost"):
        if not is_allowed(LOOPBACK, allowed):
            raise TargetRefused(NOT_PUBLIC)
        return
    if (address := literal_address(host)) is None:
        return
    if not is_allowed(address, allowed):
        raise TargetRefused(NOT_PUBLIC)
    if isinstance(address, IPv4Address) and str(address) != host:
        raise TargetRefused(f"must spell the address as {address}")


def literal_address(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host spells, the way `inet_aton` and browsers read it; None for a name.

    Raises `TargetRefused` for what looks like an address and is none.
    """
    if ":" in host:
        try:
            return IPv6Address(host)
        except AddressValueError as error:
            raise TargetRefused("must name a host") from error
    labels = host.split(".")
    if not _is_number(labels[-1]):
        return None
    try:
        return _ipv4([_number(label) for label in labels])
    except ValueError as error:
        raise TargetRefused("must name a host") from error


def _is_number(label: str) -> bool:
    if label.isdigit():
        return True
    return label.startswith("0x") and all(digit in "0123456789abcdef" for digit in label[2:])


def _number(label: str) -> int:
    if label.startswith("0x"):
        return int(label[2:] or "0", 16)
    return int(label, 8) if len(label) > 1 and label.startswith("0") else int(label)


def _ipv4(numbers: list[int]) -> IPv4Address:
    """Up to four numbers: all but the last are a byte each, the last fills what is left."""
    *bytes_, last = numbers
    left = 4 - len(bytes_)
    if left < 1 or any(number > 255 for number in bytes_) or last >= 256**left:
        raise ValueError(numbers)
    value = last
    for place, number in enumerate(bytes_):
        value += number << (8 * (3 - place))
    return IPv4Address(value)
