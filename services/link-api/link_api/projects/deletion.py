"""Deleting a project everywhere, in steps that may die anywhere and be asked for again.

The project is marked and its keys are revoked first, so that nothing new comes in but what is under way. Then its links
and domains go, each with its own event, so that redirectors and the register follow; then what nobody is told of; and
last, in one transaction with `project.deleted`, its row. Which of this has been done is seen from what is left, so a
step needs no memory. Consumers of `project.deleted` delete what they hold.
"""

import time
from functools import partial
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common.auth.verifier import KeyVerifier
from codeqr_common.events.links import ProjectEvent
from codeqr_common.ids import new_id
from codeqr_common.logs import get_logger
from codeqr_common.times import now_ms
from link_api.audit.repository import Actor
from link_api.database import Database
from link_api.outbox import repository as outbox
from link_api.projects import remains
from link_api.projects.remains import Marked
from link_api.projects.schemas import Deletion
from link_api.projects.service import unknown

log = get_logger(__name__)
STEP_S = 4.0
"""How long one call goes on."""
BATCH_LINKS = 300
BATCH_DOMAINS = 20
BATCH_ROWS = 2_000


class OfProject(Protocol):
    """A service whose things belong to projects."""

    async def delete_batch_of_project(self, actor: Actor, limit: int) -> int:
        """Delete at most `limit` of the actor's project, each with its event. Gives their number."""
        ...


class ProjectDeletion:
    """Deletes projects, for the `codeqr` command."""

    def __init__(self, database: Database, verifier: KeyVerifier, links: OfProject, domains: OfProject) -> None:
        self._database = database
        self._verifier = verifier
        self._links = links
        self._domains = domains

    async def go_on(self, slug: str) -> Deletion:
        """Begin to delete the project, or go on with it, for some seconds. 404 when there is none (any more)."""
        until = time.monotonic() + STEP_S
        marked = await self._mark(slug)
        links, done = 0, False
        while not done and time.monotonic() < until:
            deleted = await self._links.delete_batch_of_project(Actor(marked.id), BATCH_LINKS)
            links += deleted
            done = not deleted and not await self._others(marked.id) and await self._finish(marked.id)
        log.info("project being deleted", deleted_project=marked.id, links=links, done=done)
        return Deletion(marked.id, slug, links, done)

    async def _mark(self, slug: str) -> Marked:
        marked = await self._database.write(lambda connection: remains.mark(connection, slug))
        if marked is None:
            raise unknown(slug)
        await self._verifier.forget(marked.key_hashes)
        return marked

    async def _others(self, project_id: str) -> int:
        """Delete some of what is left besides links. Gives how much it was."""
        domains = await self._domains.delete_batch_of_project(Actor(project_id), BATCH_DOMAINS)
        batch = partial(remains.remove_some, project_id=project_id, limit=BATCH_ROWS)
        return domains + await self._database.write(batch)

    async def _finish(self, project_id: str) -> bool:
        """Delete the project itself and tell of it; False when something has come in the meantime."""

        async def work(connection: AsyncConnection) -> bool:
            removed = await remains.remove_project(connection, project_id, BATCH_ROWS)
            if removed:
                await outbox.add_project_event(connection, _deleted(project_id))
            return removed

        return await self._database.write(work)


def _deleted(project_id: str) -> ProjectEvent:
    return ProjectEvent(
        id=new_id("evt"),
        type="project.deleted",
        time=now_ms(),
        project_id=project_id,
        request_id=outbox.request_id(),
    )
