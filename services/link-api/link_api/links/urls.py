"""Targets: which URLs a link may lead to, and the ASCII form in which they are stored (contract 2.2)."""

import re
from collections.abc import Collection
from urllib.parse import quote

from link_api.hosts import ascii_host

MAX_LENGTH = 32_000
WEB_SCHEMES = ("http", "https")

SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
HOST_AND_PORT = re.compile(r"(?:[^/?#:@\s]*\.[^/?#:@\s]*|localhost):[0-9]+(?:[/?#]|$)", re.IGNORECASE)
BARE_DOMAIN = re.compile(r"(?:[^/?#:@\s]+\.[^/?#:@\s]+|localhost)(?::[0-9]*)?(?:[/?#]|$)", re.IGNORECASE)
AUTHORITY = re.compile(r"(?:(?P<user>[^/?#\\]*)@)?(?P<host>\[[^\]/?#]*\]|[^/?#:@\\]*)(?::(?P<port>[0-9]*))?")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
"""Control characters, lone surrogates, and marks that turn or hide text."""

PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F))
KEPT_AFTER_HOST = "".join(character for character in PRINTABLE if character not in '"<>`\\')
KEPT_IN_USER = "".join(character for character in PRINTABLE if character not in '"<>`\\/?#@[]^|{}')


def target_url(text: str, schemes: Collection[str]) -> str:
    """The stored form of a target. `schemes` are those allowed besides http and https, in lower case.

    A bare domain gets `https://`; a host that is not ASCII becomes IDNA and whatever else is not ASCII is
    percent-encoded; the rest, existing encoding included, stays as it is, so that the stored form is its own stored
    form. Raises `ValueError` with a phrase that says what is wrong.
    """
    text = text.strip(" ")
    if not text:
        raise ValueError("is empty")
    if len(text) > MAX_LENGTH:
        raise ValueError(f"is longer than {MAX_LENGTH} characters")
    if CONTROL.search(text):
        raise ValueError("holds control characters")
    stored = _stored(text, schemes)
    if len(stored) > MAX_LENGTH:
        raise ValueError(f"is longer than {MAX_LENGTH} characters when percent-encoded")
    return stored


def _stored(text: str, schemes: Collection[str]) -> str:
    if text.startswith("//"):
        return _web("https", text[2:])
    found = None if HOST_AND_PORT.match(text) else SCHEME.match(text)
    if found is None:
        if not BARE_DOMAIN.match(text):
            raise ValueError("is not a URL")
        return _web("https", text)
    scheme, rest = found[1].lower(), text[found.end() :]
    if scheme in WEB_SCHEMES:
        if not rest.startswith("//"):
            raise ValueError("is not a URL")
        return _web(scheme, rest[2:])
    if scheme not in schemes:
        raise ValueError(f"links may not lead to {scheme}: addresses")
    if not rest.strip("/"):
        raise ValueError("is not a URL")
    return f"{scheme}:{_quoted(rest, KEPT_AFTER_HOST)}"


def _web(scheme: str, rest: str) -> str:
    """`rest` is what follows `//`."""
    found = AUTHORITY.match(rest)
    tail = rest[found.end() :] if found else rest
    if found is None or not found["host"] or (tail and tail[0] not in "/?#"):
        raise ValueError("is not a URL")
    if found["port"] and int(found["port"][:6]) > 65535:
        raise ValueError("the port is not valid")
    user = "" if found["user"] is None else _quoted(found["user"], KEPT_IN_USER) + "@"
    port = f":{found['port']}" if found["port"] else ""
    return f"{scheme}://{user}{ascii_host(found['host'])}{port}{_quoted(tail, KEPT_AFTER_HOST)}"


def _quoted(text: str, kept: str) -> str:
    return quote(text, safe=kept)
