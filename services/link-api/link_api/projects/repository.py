"""The SQL of projects and their users."""

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common.ids import new_id
from link_api import clock
from link_api.rows import Row, fetch_one, fetch_one_or_none
from link_api.tables import projects, users

FIRST_USER = "Owner"


async def add(connection: AsyncConnection, name: str, slug: str) -> Row:
    moment = clock.now()
    values = {"id": new_id("proj"), "name": name, "slug": slug, "created_at": moment, "updated_at": moment}
    return await fetch_one(connection, insert(projects).values(**values).returning(projects))


async def add_user(connection: AsyncConnection, project_id: str, name: str) -> str:
    """The new user's id."""
    user_id = new_id("user")
    values = {"id": user_id, "project_id": project_id, "name": name, "created_at": clock.now()}
    await connection.execute(insert(users).values(**values))
    return user_id


async def find(connection: AsyncConnection, slug: str) -> Row | None:
    return await fetch_one_or_none(connection, select(projects).where(projects.c.slug == slug))


async def first_user(connection: AsyncConnection, project_id: str) -> str:
    """The id of the user that the project was made with."""
    query = select(users.c.id).where(users.c.project_id == project_id).order_by(users.c.id).limit(1)
    return str((await connection.execute(query)).scalar_one())
