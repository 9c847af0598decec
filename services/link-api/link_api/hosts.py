"""Host names in ASCII: lower case, IDNA for what is not ASCII."""

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache

import idna

FORBIDDEN = re.compile(r"[^a-z0-9._-]")
"""What an ASCII host name may not hold. The underscore is not a host name's by RFC 952, but is in use."""
MAX_HOST = 253
MAX_LABEL = 63


@lru_cache(maxsize=4096)
def ascii_host(host: str) -> str:
    """`host` in the form that is stored and compared. Raises `ValueError` with a phrase that says what is wrong.

    Takes names, IPv4 addresses in dotted decimal, and IPv6 addresses in brackets. A trailing dot is kept.
    """
    if host.startswith("["):
        return _ipv6(host)
    name = host.lower() if host.isascii() else _mapped(host)
    labels = name.removesuffix(".").split(".")
    encoded = ".".join(_label(label) for label in labels)
    if len(encoded) > MAX_HOST:
        raise ValueError("the host name is too long")
    if labels[-1].isdigit() or labels[-1].startswith("0x"):
        _ipv4(encoded)
    return encoded + ("." if name.endswith(".") else "")


def slugs_of(host: str) -> Sequence[str]:
    """The slugs that a Host header may mean, the likeliest first: the whole of it, then without its port."""
    whole = host.strip().lower().removesuffix(".")
    name, colon, port = whole.rpartition(":")
    bare = name.removesuffix(".") if colon and port.isdigit() else whole
    return tuple(dict.fromkeys((whole, bare)))


def _mapped(host: str) -> str:
    """UTS #46: upper case, full-width and other variants become what they stand for."""
    try:
        return idna.uts46_remap(host, std3_rules=False, transitional=False)
    except (idna.IDNAError, UnicodeError) as error:
        raise ValueError("the host name holds characters that are not allowed") from error


def _label(label: str) -> str:
    encoded = label if label.isascii() else _punycode(label)
    if not encoded:
        raise ValueError("the host name is not valid")
    if len(encoded) > MAX_LABEL:
        raise ValueError("a part of the host name is too long")
    if FORBIDDEN.search(encoded):
        raise ValueError("the host name holds characters that are not allowed")
    return encoded


def _punycode(label: str) -> str:
    """IDNA 2008 where it allows the label; else plain punycode, for browsers open emoji domains too."""
    try:
        return idna.alabel(label).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        if any(not _is_symbol(character) for character in label):
            raise ValueError("the host name is not valid") from None
        return "xn--" + label.encode("punycode").decode("ascii")


def _is_symbol(character: str) -> bool:
    return character.isascii() or 0x203C <= ord(character) <= 0x3299 or ord(character) >= 0x1F000


def _ipv4(host: str) -> None:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        raise ValueError("the host is not a valid address") from None


def _ipv6(host: str) -> str:
    try:
        return f"[{ipaddress.IPv6Address(host.removeprefix('[').removesuffix(']')).compressed}]"
    except ValueError:
        raise ValueError("the host is not a valid address") from None
