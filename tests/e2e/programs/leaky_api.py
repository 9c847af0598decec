"""The link API with three routes more, which forget to ask whose a link is: what the walk of projects must report."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import func, select, update

from codeqr_common import service
from codeqr_common.auth.keys import KeyIdentity
from codeqr_common.auth.requests import require
from codeqr_common.http.responses import MsgspecResponse
from codeqr_common.service import Listener
from link_api.app import api_readiness, open_parts, public_app
from link_api.settings import LinkApiSettings
from link_api.tables import links

router = APIRouter(prefix="/leaks")
Caller = Annotated[KeyIdentity, Depends(require("links.read"))]


@router.get("")
async def list_all_links(_: Caller, request: Request) -> Response:
    async with request.app.state.database.reading() as connection:
        ids = (await connection.scalars(select(links.c.id))).all()
    return MsgspecResponse(await request.app.state.links.lookup(list(ids)))


@router.get("/{link_id}")
async def get_any_link(_: Caller, link_id: str, request: Request) -> Response:
    return MsgspecResponse(await request.app.state.links.lookup([link_id]))


@router.post("/{link_id}")
async def touch_any_link(_: Caller, link_id: str, request: Request) -> Response:
    change = update(links).where(links.c.id == link_id).values(updated_at=func.now())
    await request.app.state.database.write(lambda connection: connection.execute(change))
    return MsgspecResponse({"id": link_id})


async def serve() -> None:
    settings = LinkApiSettings()  # type: ignore[call-arg]  # the environment has the token
    service.configure("leaky-link-api", settings)
    async with open_parts(settings) as parts:
        app = public_app(parts)
        app.include_router(router)
        listeners = [Listener(app, settings.host, settings.port)]
        await service.run(settings, listeners=listeners, readiness=api_readiness(parts))


service.main(serve())
