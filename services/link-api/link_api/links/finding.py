"""Finding one link: by id, external id, name, or, for an upsert, by whatever its body says."""

import hashlib
from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from link_api.links import names, repository
from link_api.links.names import Name, key_used
from link_api.links.schemas import UpsertLink

_LOCK = text("SELECT pg_advisory_xact_lock(:lock)")
Query = tuple[str, tuple[str, ...]]
"""A statement for `Database.fetch`, and its parameters."""


def by_reference(project_id: str, reference: str) -> Query:
    """The project's link with this id, or with this external id after `ext_`."""
    if reference.startswith("ext_"):
        return repository.HOT_BY_EXTERNAL_ID, (project_id, reference.removeprefix("ext_"))
    return repository.HOT_BY_ID, (project_id, reference)


def by_name(project_id: str, name: Name) -> Query:
    """The project's link that holds the name."""
    return repository.HOT_BY_NAME, (project_id, *name)


async def for_upsert(
    connection: AsyncConnection, project_id: str, domain: str, body: UpsertLink, values: Mapping[str, Any]
) -> str | None:
    """The id of the link that an upsert means; None if it is to be made. Raises 409 for a key of another project.

    Two upserts that find nothing by key or external id are told apart by a constraint; by URL there is none, so they
    take turns.
    """
    if "key_folded" in values:
        name = Name(domain, values["key_folded"])
        holder = await names.holder_of(connection, name)
        if holder is None:
            return None
        if not await repository.ids_of(connection, project_id, [holder]):
            raise key_used(name)
        return holder
    if body.external_id:
        reference = f"ext_{body.external_id}"
        return (await repository.ids_of(connection, project_id, [reference])).get(reference)
    if values.get("url") is None:
        return None
    await connection.execute(_LOCK, {"lock": _lock_of(project_id, values["url"])})
    found = await repository.oldest_to(connection, project_id, values["url"])
    return None if found is None else found["id"]


def _lock_of(project_id: str, url: str) -> int:
    name = f"upsert\n{project_id}\n{url}".encode()
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "big", signed=True)
