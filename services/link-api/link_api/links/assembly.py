"""The parts behind `/links`, put together."""

from link_api.database import Database
from link_api.domains.directory import DomainDirectory
from link_api.links.batching import CreationBatches
from link_api.links.changes import LinkEvents
from link_api.links.changing import Changing
from link_api.links.creation import Creation, by_itself
from link_api.links.drafting import Drafting, Webhooks
from link_api.links.loops import LoopCheck
from link_api.links.representation import Representation
from link_api.links.service import LinkService
from link_api.links.values import LinkValues
from link_api.outbox.write_through import WriteThrough


def link_service(
    database: Database,
    write_through: WriteThrough,
    representation: Representation,
    domains: DomainDirectory,
    webhooks: Webhooks,
    url_schemes: frozenset[str],
) -> LinkService:
    """The service over these; `url_schemes`: what targets may begin with besides http and https."""
    values = LinkValues(url_schemes)
    loops = LoopCheck(database)
    events = LinkEvents(representation)
    return LinkService(
        database,
        write_through,
        representation,
        domains,
        Drafting(values, domains, webhooks, loops),
        Creation(events),
        CreationBatches(by_itself(database)),
        Changing(values, webhooks, loops, events),
    )
