"""Whose address a request comes from: the peer's, or what proxies that we trust say."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def client_address(peer: str, forwarded_for: Sequence[str], trusted: Sequence[Network]) -> str:
    """The client's address in its plain form; `""` if the peer has none (a Unix socket).

    `forwarded_for` holds the `X-Forwarded-For` headers in order. They are read from the right, and only as far as
    each hop is in `trusted`: everything to the left of the first hop that is not could have been written by anybody.
    """
    found = parse_address(peer)
    if found is None:
        return ""
    hops = [hop for header in forwarded_for for hop in header.split(",")]
    while hops and _is_trusted(found, trusted):
        told = parse_address(hops.pop())
        if told is None:
            break
        found = told
    return str(found)


def parse_address(text: str) -> Address | None:
    """The address in `text`, without port, brackets or zone; a v4-mapped one as IPv4. None if there is none."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _is_trusted(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted)
