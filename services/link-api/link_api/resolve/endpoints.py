"""`/internal/resolve`: the redirectors' last resort; its answers go into the register as well."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from codeqr_common import errors
from codeqr_common.http.responses import MsgspecResponse
from codeqr_common.short_links import fold_key
from link_api.database import Database
from link_api.hosts import slugs_of
from link_api.outbox.entries import RegisterEntries
from link_api.outbox.write_through import WriteThrough
from link_api.resolve import repository

internal_router = APIRouter(prefix="/internal")


@internal_router.get("/resolve")
async def resolve(request: Request, host: str, key: str) -> Response:
    """The register is told what Postgres said; it takes that only if it is newer than what it has."""
    if "\x00" in host or "\x00" in key:
        raise errors.unprocessable_entity("key: holds a NUL character")
    folded = fold_key(key)
    database: Database = request.app.state.database
    async with database.reading() as connection:
        found = await repository.resolve(connection, slugs_of(host), folded)
    write_through: WriteThrough = request.app.state.write_through
    await write_through.put(
        RegisterEntries(
            links=tuple((slug, folded, entry) for slug, entry in found.links.items()),
            domains=tuple(found.domains.items()),
        )
    )
    return MsgspecResponse(found)
