"""Where deliveries may go: the guard against requests to networks that are not public (contract 6.3, SSRF).

The address is checked where it is known for certain: in the resolver, and again when the socket for the very address
is made, which also covers URLs that hold an address and so never meet the resolver.
"""

import errno
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from webhooks.settings import Network

REFUSED_V4 = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; holds Alibaba's metadata service
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's host, public by number only
        "169.254.0.0/16",  # link-local; holds the metadata services
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments; holds Oracle's metadata service
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
"""The special ranges of IANA's registry, and what clouds hide in public ones."""
UNICAST_V6 = ip_network("2000::/3")
"""The only global unicast; all else (loopback, v4-mapped, NAT64, unique local, link-local, multicast) is refused."""
REFUSED_V6 = tuple(
    ip_network(network)
    for network in (
        "2001::/23",  # protocol assignments; holds Teredo
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)


def is_allowed(address: IPv4Address | IPv6Address, allowed: Sequence[Network]) -> bool:
    """Whether a delivery may connect to `address`: it is public, or in one of the `allowed` networks."""
    if any(address in network for network in allowed if network.version == address.version):
        return True
    if isinstance(address, IPv4Address):
        return not any(address in network for network in REFUSED_V4)
    return address in UNICAST_V6 and not any(address in network for network in REFUSED_V6)


class AddressRefused(OSError):
    """A host leads to an address that deliveries must not connect to. Owners read it, so it does not say to which."""

    def __init__(self, host: str) -> None:
        super().__init__(errno.EACCES, f"{host} does not lead to a public address")


class GuardedResolver(AbstractResolver):
    """Asks another resolver, and gives only the addresses that deliveries may connect to."""

    def __init__(self, resolver: AbstractResolver, allowed: Sequence[Network]) -> None:
        self._resolver = resolver
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        good = [result for result in found if is_allowed(ip_address(result["host"]), self._allowed)]
        if not good:
            raise AddressRefused(host)
        return good

    async def close(self) -> None:
        await self._resolver.close()


def guarded_connector(resolver: AbstractResolver, allowed: Sequence[Network], limit: int) -> aiohttp.TCPConnector:
    """A connector that makes sockets for allowed addresses only. `limit`: connections at once.

    It closes idle connections before common servers do, so that no attempt is lost to a connection closed under it.
    """

    def make_socket(info: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, sockaddr = info
        address = str(sockaddr[0])
        if not is_allowed(ip_address(address), allowed):
            raise AddressRefused(address)
        return socket.socket(family=family, type=kind, proto=protocol)

    return aiohttp.TCPConnector(
        resolver=GuardedResolver(resolver, allowed),
        socket_factory=make_socket,
        use_dns_cache=False,
        keepalive_timeout=2,
        limit=limit,
    )
