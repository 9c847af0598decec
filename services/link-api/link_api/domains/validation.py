"""Slugs: the host names of short domains, in lower case and IDNA."""

import ipaddress
import re

from link_api.hosts import ascii_host

PORT = re.compile(r":([0-9]{1,5})$")
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
RECORD = "_codeqr"
"""The label under which a domain's verification record stands."""
MAX_HOST = 253


def domain_slug(text: str, *, local: bool) -> str:
    """The stored form of a domain's slug. Raises `ValueError` with a phrase that says what is wrong.

    With `local`, for stacks on one machine: a port, a single label and an address are allowed as well.
    """
    text = text.strip()
    port = PORT.search(text)
    if port and not local:
        raise ValueError("may not hold a port")
    if port and not 0 < int(port[1]) <= 65535:
        raise ValueError("the port is not valid")
    host = ascii_host(text[: port.start()] if port else text).removesuffix(".")
    if not local:
        _check_public(host)
    elif any(not LABEL.fullmatch(label) for label in host.split(".")):
        raise ValueError("is not a domain name")
    return f"{host}:{int(port[1])}" if port else host


def comparable_slug(text: str) -> str:
    """The stored form of a slug to look up; what is no slug at all just finds nothing."""
    try:
        return domain_slug(text, local=True)
    except ValueError:
        return text.lower()


def _check_public(host: str) -> None:
    labels = host.split(".")
    if len(labels) < 2 or any(not LABEL.fullmatch(label) for label in labels) or _is_address(host):
        raise ValueError("is not a domain name")
    if len(f"{RECORD}.{host}") > MAX_HOST:
        raise ValueError("the host name is too long")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
