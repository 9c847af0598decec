"""What is left of links whose deletion waits in the outbox."""

from codeqr_common.events.links import DomainEvent, DomainFacts, Link, LinkEvent, LinkEventType, encode
from link_api.links.changes import last_links


def link(link_id: str, url: str) -> Link:
    return Link(
        id=link_id,
        domain="d.com",
        key="k",
        url=url,
        short_link="https://d.com/k",
        qr_code="https://api.d.com/qr",
        user_id="user_1",
        project_id="proj_1",
        created_at="2025-09-06T12:00:00.000Z",
        updated_at="2025-09-06T12:00:00.000Z",
    )


def event(kind: LinkEventType, subject: Link, version: int = 1) -> bytes:
    return encode(
        LinkEvent(
            id=f"evt_{version}",
            type=kind,
            time=0,
            version=version,
            project_id="proj_1",
            link_id=subject.id,
            link=subject,
        )
    )


def test_deleted_links_are_given_as_they_last_were() -> None:
    one, two = link("link_1", "https://a.com"), link("link_2", "https://b.com")
    assert last_links([event("link.deleted", one), event("link.deleted", two)]) == [one, two]


def test_of_several_deletions_of_a_link_the_last_counts() -> None:
    older, newer = link("link_1", "https://a.com"), link("link_1", "https://b.com")
    assert last_links([event("link.deleted", older), event("link.deleted", newer, version=2)]) == [newer]


def test_other_events_tell_of_no_deleted_link() -> None:
    domain = DomainEvent(
        id="evt_2",
        type="domain.deleted",
        time=0,
        version=1,
        project_id="proj_1",
        domain=DomainFacts(id="dom_1", slug="d.com"),
    )
    events = [event("link.updated", link("link_1", "https://a.com")), encode(domain), b'{"type":"link.burned"}']
    assert last_links(events) == []
