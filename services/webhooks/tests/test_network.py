"""What deliveries may connect to. Nothing is sent: addresses are refused before a socket is there."""

import socket
from ipaddress import ip_address, ip_network

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from webhooks.delivery.attempts import DueDelivery
from webhooks.delivery.network import AddressRefused, GuardedResolver, guarded_connector, is_allowed
from webhooks.delivery.sender import Sender

REFUSED = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "64:ff9b:1::1",
    "100::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.1", "100.63.255.255", "2606:4700::1111", "2a00:1450::1"]


@pytest.mark.parametrize("address", REFUSED)
def test_refused(address: str) -> None:
    assert not is_allowed(ip_address(address), ())


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert is_allowed(ip_address(address), ())


@pytest.mark.parametrize(
    ("address", "expected"),
    [("127.9.9.9", True), ("::1", True), ("10.0.0.1", False), ("::ffff:127.0.0.1", False), ("::2", False)],
)
def test_allowed_networks_let_just_themselves_through(address: str, expected: bool) -> None:
    allowed = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    assert is_allowed(ip_address(address), allowed) is expected


class Names(AbstractResolver):
    """A name service that knows a few names."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing to close."""


@pytest.mark.parametrize("address", REFUSED)
async def test_a_name_that_leads_to_a_refused_address_does_not_resolve(address: str) -> None:
    with pytest.raises(AddressRefused):
        await GuardedResolver(Names(address), ()).resolve("inside.example", 443)


async def test_of_several_addresses_only_the_public_ones_are_given() -> None:
    found = await GuardedResolver(Names("10.0.0.1", "8.8.8.8", "::1"), ()).resolve("mixed.example", 443)
    assert [result["host"] for result in found] == ["8.8.8.8"]


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:7f00:1]", "[fd00::1]"])
async def test_the_connector_refuses_addresses_that_never_meet_the_resolver(host: str) -> None:
    async with aiohttp.ClientSession(connector=guarded_connector(Names(), (), 1)) as session:
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await session.post(f"http://{host}:9/")
    assert isinstance(caught.value.os_error, AddressRefused)


async def test_an_attempt_at_a_refused_address_is_a_failed_attempt() -> None:
    delivery = DueDelivery(
        id="whd_1",
        lease="lease_1",
        attempts=0,
        endpoint_id="wh_1",
        url="http://127.0.0.1:9/",
        secret="whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        event_id="evt_1",
        trigger="link.created",
        body=b"{}",
        traceparent=None,
    )
    async with Sender(allowed=(), timeout_s=2, connections=1) as sender:
        attempt = await sender.send(delivery)
    assert attempt.answer.status is None
    assert "does not lead to a public address" in (attempt.answer.error or "")
