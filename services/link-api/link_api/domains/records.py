"""TXT records, asked of a DNS resolver each time: an answer that was kept would hide a record that was just made."""

import ipaddress
from collections.abc import Sequence

import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver

from codeqr_common import errors
from codeqr_common.logs import get_logger

log = get_logger(__name__)
DNS_PORT = 53
TRY_S = 2.0
"""How long one resolver is given before the next one, or the same once more, is asked."""
IN_ALL_S = 5.0


class TxtRecords:
    """Looks up TXT records. `resolvers`: `address`, `address:port` or `[address]:port`; none = the system's own."""

    def __init__(self, resolvers: Sequence[str]) -> None:
        """Raises `ValueError` for what is no address."""
        self._servers = [_server(text) for text in resolvers]

    async def at(self, name: str) -> list[str]:
        """The texts of the records at `name`; none when the name or its records are not there.

        Raises 503 when the DNS does not say: a resolver that fails or is silent proves nothing. No answer is kept.
        """
        try:
            answer = await self._resolver().resolve(
                dns.name.from_text(f"{name}."), dns.rdatatype.TXT, lifetime=IN_ALL_S, search=False
            )
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError) as error:
            log.warning("DNS not asked", name=name, error=f"{type(error).__name__}: {error}"[:300])
            raise errors.service_unavailable(f"The DNS does not say what stands at {name}.", retry_after=5) from error
        return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]

    def _resolver(self) -> dns.asyncresolver.Resolver:
        resolver = dns.asyncresolver.Resolver(configure=not self._servers)
        if self._servers:
            resolver.nameservers = self._servers
        resolver.timeout = TRY_S
        return resolver


def _server(text: str) -> dns.nameserver.Do53Nameserver:
    if _is_address(text):
        return dns.nameserver.Do53Nameserver(text, DNS_PORT)
    address, _, port = text.rpartition(":")
    address = address.removeprefix("[").removesuffix("]")
    if not _is_address(address) or not port.isdecimal() or not 0 < int(port[:6]) <= 65535:
        raise ValueError(f"{text} is no address of a DNS resolver")
    return dns.nameserver.Do53Nameserver(address, int(port))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
