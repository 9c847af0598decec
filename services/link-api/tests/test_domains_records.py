"""TXT records, asked of a real DNS server on loopback."""

from collections.abc import Iterator

import pytest

from codeqr_common.errors import ApiError
from link_api.domains import records as module
from link_api.domains.records import TxtRecords
from nameserver import Nameserver

NAME = "_codeqr.go.example"


@pytest.fixture
def dns() -> Iterator[Nameserver]:
    with Nameserver() as one:
        yield one


async def test_every_text_at_the_name_comes(dns: Nameserver) -> None:
    dns.records[NAME] = ["v=spf1 -all", "codeqr-verification=abc"]
    assert sorted(await TxtRecords([dns.address]).at(NAME)) == ["codeqr-verification=abc", "v=spf1 -all"]


async def test_a_name_without_records_and_one_that_does_not_exist_have_none(dns: Nameserver) -> None:
    dns.records[NAME] = []
    records = TxtRecords([dns.address])
    assert await records.at(NAME) == []
    assert await records.at("_codeqr.nowhere.example") == []


async def test_an_absence_is_not_remembered(dns: Nameserver) -> None:
    records = TxtRecords([dns.address])
    assert await records.at(NAME) == []
    dns.records[NAME] = ["here"]
    assert await records.at(NAME) == ["here"]


async def test_a_resolver_that_fails_proves_nothing(dns: Nameserver) -> None:
    dns.failing.add(NAME)
    with pytest.raises(ApiError) as raised:
        await TxtRecords([dns.address]).at(NAME)
    assert raised.value.code == "service_unavailable"
    assert raised.value.headers["Retry-After"] == "5"


async def test_a_silent_resolver_is_not_waited_for_for_ever(dns: Nameserver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TRY_S", 0.1)
    monkeypatch.setattr(module, "IN_ALL_S", 0.4)
    dns.silent.add(NAME)
    with pytest.raises(ApiError) as raised:
        await TxtRecords([dns.address]).at(NAME)
    assert raised.value.code == "service_unavailable"
    assert dns.asked.count(NAME) > 1


async def test_another_resolver_answers_for_one_that_is_silent(
    dns: Nameserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TRY_S", 0.2)
    with Nameserver() as silent:
        silent.silent.add(NAME)
        dns.records[NAME] = ["here"]
        assert await TxtRecords([silent.address, dns.address]).at(NAME) == ["here"]


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1:", "127.0.0.1:99999", "[::1", "1.2.3", "", "[::1]x53"])
def test_what_is_no_address_is_refused_at_the_start(address: str) -> None:
    with pytest.raises(ValueError):
        TxtRecords([address])


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.1:5353", "::1", "[::1]:5353"])
def test_addresses_of_resolvers(address: str) -> None:
    TxtRecords([address])
