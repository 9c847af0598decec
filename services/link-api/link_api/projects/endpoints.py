"""`/internal/projects`: what the `codeqr` command asks."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel, StringConstraints

from codeqr_common.http.responses import MsgspecResponse
from link_api.projects.service import ProjectService
from link_api.text import Text

internal_router = APIRouter(prefix="/internal/projects")


def service_of(request: Request) -> ProjectService:
    service: ProjectService = request.app.state.projects
    return service


Projects = Annotated[ProjectService, Depends(service_of)]


class CreateProject(BaseModel):
    """A project's name, and a slug if it is to have a certain one."""

    name: Annotated[Text, StringConstraints(min_length=1, max_length=190)]
    slug: str | None = None


@internal_router.post("")
async def create_project(projects: Projects, body: CreateProject) -> Response:
    return MsgspecResponse(await projects.create(body.name, body.slug))


@internal_router.get("/{slug}")
async def get_project(projects: Projects, slug: str) -> Response:
    return MsgspecResponse(await projects.get(slug))


@internal_router.post("/{slug}/keys")
async def issue_key(projects: Projects, slug: str) -> Response:
    return MsgspecResponse(await projects.issue_key(slug))
