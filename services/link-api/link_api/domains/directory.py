"""Which domain a new link lives on, remembered for a moment: the statement that makes the link checks it once more."""

from link_api.database import Database
from link_api.domains import repository
from link_api.domains.repository import LinkDomain
from link_api.expiring import Expiring

KEPT_S = 2.0
KEPT = 10_000


class DomainDirectory:
    """The domains that links may live on."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: Expiring[tuple[str, str | None], LinkDomain] = Expiring(KEPT_S, KEPT)

    async def for_links(self, project_id: str, slug: str | None) -> LinkDomain:
        """The verified domain `slug`, or the project's default one. Raises 403 when the project may not use it."""
        known = self._known.get((project_id, slug))
        if known is None:
            async with self._database.reading() as connection:
                known = await repository.for_links(connection, project_id, slug)
            self._known.put((project_id, slug), known)
        return known

    def forget(self) -> None:
        """Ask anew: domains have just changed."""
        self._known.clear()
