"""What goes into the outbox beside the event."""

from hypothesis import given
from hypothesis import strategies as st

from codeqr_common.short_links import DomainEntry, LinkEntry, RedirectDomain, RedirectLink
from link_api.outbox.entries import RegisterEntries, decode, encode, merged
from link_api.outbox.repository import SHARDS, shard_of

LINK = RedirectLink(id="link_1", project_id="proj_1", domain="d.com", key="K", url="https://a.com")
DOMAIN = RedirectDomain(id="dom_1", slug="d.com", verified=True)


def test_entries_survive_the_outbox() -> None:
    entries = RegisterEntries(
        links=(("d.com", "k", LinkEntry(7, LINK)), ("d.com", "old", LinkEntry(7))),
        domains=(("d.com", DomainEntry(3, DOMAIN)),),
    )
    assert decode(encode(entries)) == entries


def test_merged_keeps_the_order() -> None:
    first = RegisterEntries(links=(("d", "a", LinkEntry(1)),))
    second = RegisterEntries(links=(("d", "a", LinkEntry(2)),), domains=(("d", DomainEntry(3)),))
    assert merged([first, second]).links == (("d", "a", LinkEntry(1)), ("d", "a", LinkEntry(2)))
    assert merged([first, second]).domains == second.domains


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_short_link_has_one_shard(domain: str, folded: str) -> None:
    assert shard_of(domain, folded) == shard_of(domain, folded)
    assert 0 <= shard_of(domain, folded) < SHARDS
