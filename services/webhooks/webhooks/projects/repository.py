"""Deleted projects in Postgres, and what is left of one."""

from collections.abc import Sequence

from sqlalchemy import TextClause, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from webhooks import tables

REMOVALS = (
    # An event takes its deliveries with it, and these their attempts.
    text("""DELETE FROM webhooks.events WHERE id IN (
        SELECT id FROM webhooks.events WHERE project_id = :project LIMIT :batch)"""),
    text("DELETE FROM webhooks.endpoints WHERE project_id = :project"),
    # Such as came in before the last endpoint went.
    text("""DELETE FROM webhooks.events WHERE id IN (
        SELECT id FROM webhooks.events WHERE project_id = :project LIMIT :batch)"""),
    text("""DELETE FROM webhooks.link_copies WHERE link_id IN (
        SELECT link_id FROM webhooks.link_copies WHERE project_id = :project LIMIT :batch)"""),
    text("""DELETE FROM webhooks.idempotent_calls WHERE (project_id, method, path, key) IN (
        SELECT project_id, method, path, key FROM webhooks.idempotent_calls
        WHERE project_id = :project LIMIT :batch)"""),
)
"""In this order, each until it finds nothing."""

PUT_OFF = text("""
    UPDATE webhooks.deleted_projects
    SET next_removal_at = now() + greatest(interval '10 seconds', now() - deleted_at)
    WHERE project_id = :project
""")
FORGET = text("""
    DELETE FROM webhooks.deleted_projects
    WHERE project_id = :project AND deleted_at < now() - make_interval(days => CAST(:days AS integer))
""")


async def note(connection: AsyncConnection, project_ids: Sequence[str]) -> None:
    """Remember that these projects are gone. What is noted already stays as it is."""
    if project_ids:
        rows = [{"project_id": project_id} for project_id in dict.fromkeys(project_ids)]
        await connection.execute(insert(tables.deleted_projects).values(rows).on_conflict_do_nothing())


async def due(connection: AsyncConnection) -> list[str]:
    """Deleted projects of which something may be left, the longest due first."""
    table = tables.deleted_projects
    query = select(table.c.project_id).where(table.c.next_removal_at <= func.now()).order_by(table.c.next_removal_at)
    return list((await connection.scalars(query)).all())


async def remove(connection: AsyncConnection, removal: TextClause, project_id: str, batch: int) -> int:
    """Run one of `REMOVALS`. Gives the number of rows that went."""
    parameters = {"project": project_id} | ({"batch": batch} if "batch" in removal.text else {})
    return (await connection.execute(removal, parameters)).rowcount


async def put_off(connection: AsyncConnection, project_id: str, days: int) -> None:
    """Nothing was left just now. Look again later, each time as late as the project has been gone; `days` long."""
    await connection.execute(PUT_OFF, {"project": project_id})
    await connection.execute(FORGET, {"project": project_id, "days": days})
