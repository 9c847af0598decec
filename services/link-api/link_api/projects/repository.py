"""The SQL of projects and their users. Nothing here finds a project that is being deleted."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common.ids import new_id
from link_api import clock
from link_api.domains.repository import IS_PRIMARY, is_there
from link_api.paging import Paging
from link_api.rows import Row, fetch_all, fetch_one, fetch_one_or_none
from link_api.tables import api_keys, domains, links, project_counters, projects, users

FIRST_USER = "Owner"


def _domains_of_project() -> ColumnElement[Any]:
    """The primary one first, then in the order they came."""
    verified = domains.c.verified_at.is_not(None)
    shown = func.jsonb_build_object("slug", domains.c.slug, "primary", IS_PRIMARY, "verified", verified)
    listed = func.jsonb_agg(aggregate_order_by(shown, IS_PRIMARY.desc(), domains.c.id), type_=JSONB)
    found = select(listed).where(domains.c.project_id == projects.c.id, is_there()).scalar_subquery()
    return func.coalesce(found, text("'[]'::jsonb"), type_=JSONB).label("domains")


def _links_of_project() -> ColumnElement[Any]:
    return select(func.count()).where(links.c.project_id == projects.c.id).scalar_subquery().label("links_usage")


def _shown() -> Any:
    """Projects with their figures and domains."""
    return (
        select(
            projects,
            func.coalesce(project_counters.c.clicks, 0).label("clicks"),
            func.coalesce(project_counters.c.scans, 0).label("scans"),
            _links_of_project(),
            _domains_of_project(),
        )
        .select_from(projects.outerjoin(project_counters, project_counters.c.project_id == projects.c.id))
        .where(projects.c.deleted_at.is_(None))
    )


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


async def by_id(connection: AsyncConnection, project_id: str) -> Row | None:
    """The project with its figures and domains."""
    return await fetch_one_or_none(connection, _shown().where(projects.c.id == project_id))


async def by_slug(connection: AsyncConnection, slug: str) -> Row | None:
    """The project with its figures and domains."""
    return await fetch_one_or_none(connection, _shown().where(projects.c.slug == slug))


async def page(connection: AsyncConnection, paging: Paging) -> list[Row]:
    """Projects with their figures and domains, in the order they came."""
    return paging.in_order(await fetch_all(connection, paging.part(_shown(), projects.c.id, descending=False)))


async def change(connection: AsyncConnection, slug: str, values: Mapping[str, Any]) -> str | None:
    """The id of the project that was changed."""
    this = (projects.c.slug == slug, projects.c.deleted_at.is_(None))
    command = update(projects).where(*this).values(**values, updated_at=clock.now()).returning(projects.c.id)
    row = (await connection.execute(command)).one_or_none()
    return None if row is None else str(row.id)


async def key_hashes(connection: AsyncConnection, project_id: str) -> list[str]:
    """The hashes of the project's keys, those of secrets that rotate out included."""
    query = select(api_keys.c.hash, api_keys.c.previous_hash).where(api_keys.c.project_id == project_id)
    return [key_hash for row in await connection.execute(query) for key_hash in row if key_hash]


async def first_user(connection: AsyncConnection, project_id: str) -> str:
    """The id of the user that the project was made with."""
    query = select(users.c.id).where(users.c.project_id == project_id).order_by(users.c.id).limit(1)
    return str((await connection.execute(query)).scalar_one())
