"""Projects: made with their first user and a key that may do everything."""

import re
import secrets
import unicodedata
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common import errors
from codeqr_common.auth.keys import SCOPES
from link_api.database import Database
from link_api.keys import repository as key_rows
from link_api.projects import repository

SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,46}[a-z0-9])?")
UNLIMITED = 0


def slug_of(name: str) -> str:
    """A slug made of the name, with a random end so that it is hardly ever taken."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:38].strip("-") or "project"
    return f"{words}-{secrets.token_hex(4)}"


class ProjectService:
    """Makes and finds projects, for the `codeqr` command."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, name: str, slug: str | None) -> dict[str, Any]:
        """`{id, slug, name, apiKey}`. 409 when the slug is taken, 422 when it is none."""
        if slug is not None and not SLUG.fullmatch(slug):
            raise errors.unprocessable_entity("slug: 1 to 48 of a-z, 0-9 and dashes, no dash at either end")
        return await self._database.write(lambda connection: self._create(connection, name, slug or slug_of(name)))

    async def get(self, slug: str) -> dict[str, Any]:
        """`{id, slug, name}`. 404."""
        async with self._database.reading() as connection:
            row = await repository.find(connection, slug)
        if row is None:
            raise errors.not_found(f"There is no project {slug}.")
        return {name: row[name] for name in ("id", "slug", "name")}

    async def issue_key(self, slug: str) -> dict[str, Any]:
        """`{apiKey}`: another key of the project's first user, with every scope."""
        project = await self.get(slug)
        return {"apiKey": await self._database.write(lambda connection: self._issue(connection, project["id"]))}

    async def _create(self, connection: AsyncConnection, name: str, slug: str) -> dict[str, Any]:
        row = await repository.add(connection, name, slug)
        await repository.add_user(connection, row["id"], repository.FIRST_USER)
        key = await self._issue(connection, row["id"])
        return {"id": row["id"], "slug": row["slug"], "name": row["name"], "apiKey": key}

    async def _issue(self, connection: AsyncConnection, project_id: str) -> str:
        user_id = await repository.first_user(connection, project_id)
        return await key_rows.add(
            connection, project_id=project_id, user_id=user_id, name="codeqr", scopes=SCOPES, rate_limit=UNLIMITED
        )
