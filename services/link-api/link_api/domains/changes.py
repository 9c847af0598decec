"""What a change of a verified domain tells the world. A claim that is not verified is nobody's business."""

from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common.events.links import DomainEvent, DomainEventType, DomainFacts
from codeqr_common.ids import new_id
from codeqr_common.short_links import DomainEntry
from codeqr_common.times import now_ms
from link_api.outbox import repository as outbox
from link_api.outbox.entries import RegisterEntries
from link_api.resolve.representation import redirect_domain
from link_api.rows import Row


async def announce(connection: AsyncConnection, kind: DomainEventType, row: Row, version: int) -> RegisterEntries:
    """Write the event; gives what the register is to learn once it is committed.

    `row` is the domain after the event (before it, for a deletion); `version` was drawn under the slug's lock.
    """
    domain = redirect_domain(row)
    event = DomainEvent(
        id=new_id("evt"),
        type=kind,
        time=now_ms(),
        version=version,
        project_id=domain.project_id,
        domain=DomainFacts(
            id=domain.id,
            slug=domain.slug,
            project_id=domain.project_id,
            verified=domain.verified,
            root_url=domain.root_url,
            not_found_url=domain.not_found_url,
            expired_url=domain.expired_url,
        ),
        request_id=outbox.request_id(),
    )
    entry = DomainEntry(version, None if kind == "domain.deleted" else domain)
    entries = RegisterEntries(domains=((domain.slug, entry),))
    await outbox.add_domain_event(connection, event, entries)
    return entries
