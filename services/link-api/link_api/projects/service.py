"""Projects: made with their first user and a key that may do everything."""

import re
import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common import errors
from codeqr_common.auth.keys import SCOPES, KeyIdentity
from codeqr_common.auth.verifier import KeyVerifier
from codeqr_common.errors import ApiError
from link_api import clock
from link_api.audit import repository as audit
from link_api.audit.repository import Actor
from link_api.database import Database
from link_api.keys import repository as key_rows
from link_api.paging import Paging
from link_api.projects import repository
from link_api.projects.schemas import ChangeProject, CreateProject, NewKey, NewProject, Project, ProjectDomain

UNLIMITED = 0


def slug_of(name: str) -> str:
    """A slug made of the name, with a random end so that it is hardly ever taken."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:38].strip("-") or "project"
    return f"{words}-{secrets.token_hex(4)}"


class ProjectService:
    """Shows keys their own project, and makes, finds and changes projects for the `codeqr` command."""

    def __init__(self, database: Database, verifier: KeyVerifier) -> None:
        self._database = database
        self._verifier = verifier

    async def own(self, identity: KeyIdentity, slug: str) -> Project:
        """The key's own project. 403 for every other slug, whether or not it exists."""
        project = await self._of_key(identity)
        if project.slug != slug:
            raise errors.forbidden("This API key is not tied to this project.")
        return project

    async def own_page(self, identity: KeyIdentity, paging: Paging) -> list[Project]:
        """The projects that the key is tied to: one, on the first page."""
        project = await self._of_key(identity)
        cursor = paging.starting_after is not None or paging.ending_before is not None
        return [] if cursor or paging.offset else [project]

    async def create(self, body: CreateProject) -> NewProject:
        """409 when the slug is taken."""
        return await self._database.write(lambda connection: self._create(connection, body))

    async def get(self, slug: str) -> Project:
        """404."""
        async with self._database.reading() as connection:
            row = await repository.by_slug(connection, slug)
        if row is None:
            raise unknown(slug)
        return _shown(row)

    async def page(self, paging: Paging) -> list[Project]:
        """One page of all projects, in the order they came."""
        async with self._database.reading() as connection:
            return [_shown(row) for row in await repository.page(connection, paging)]

    async def change(self, slug: str, body: ChangeProject) -> Project:
        """404; 409 when the new slug is taken. The project's keys go with it: they are forgotten under its old slug."""

        async def work(connection: AsyncConnection) -> Sequence[str]:
            project_id = await repository.change(connection, slug, body.model_dump(include=body.model_fields_set))
            if project_id is None:
                raise unknown(slug)
            await audit.record(connection, Actor(project_id), "project.updated", [project_id])
            return await repository.key_hashes(connection, project_id)

        await self._verifier.forget(await self._database.write(work))
        return await self.get(body.slug or slug)

    async def issue_key(self, slug: str) -> NewKey:
        """Another key of the project's first user, with every scope. 404."""
        project = await self.get(slug)
        return NewKey(await self._database.write(lambda connection: self._issue(connection, project.id)))

    async def _of_key(self, identity: KeyIdentity) -> Project:
        async with self._database.reading() as connection:
            row = await repository.by_id(connection, identity.project_id)
        if row is None:
            raise errors.unauthorized("This API key is unknown or has been revoked.")
        return _shown(row)

    async def _create(self, connection: AsyncConnection, body: CreateProject) -> NewProject:
        row = await repository.add(connection, body.name, body.slug or slug_of(body.name))
        await repository.add_user(connection, row["id"], repository.FIRST_USER)
        key = await self._issue(connection, row["id"])
        await audit.record(connection, Actor(row["id"]), "project.created", [row["id"]])
        return NewProject(row["id"], row["slug"], row["name"], key)

    async def _issue(self, connection: AsyncConnection, project_id: str) -> str:
        user_id = await repository.first_user(connection, project_id)
        return await key_rows.add(
            connection, project_id=project_id, user_id=user_id, name="codeqr", scopes=SCOPES, rate_limit=UNLIMITED
        )


def unknown(slug: str) -> ApiError:
    return errors.not_found(f"There is no project {slug}.")


def _shown(row: Mapping[str, Any]) -> Project:
    return Project(
        id=row["id"],
        name=row["name"],
        slug=row["slug"],
        clicks=row["clicks"],
        scans=row["scans"],
        links_usage=row["links_usage"],
        qr_codes_usage=0,  # there are no QR codes over the API yet
        domains=[ProjectDomain(**domain) for domain in row["domains"]],
        created_at=clock.iso_or_none(row["created_at"]) or "",
        updated_at=clock.iso_or_none(row["updated_at"]) or "",
    )
