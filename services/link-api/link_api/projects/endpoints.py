"""`/projects`: a key's own project; `/internal/projects`: all of them, for the `codeqr` command."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from codeqr_common.auth.keys import KeyIdentity
from codeqr_common.auth.requests import require
from codeqr_common.http.openapi import answers, query_parameters
from codeqr_common.http.responses import MsgspecResponse
from codeqr_common.http.routes import DirectRoute
from link_api.projects.deletion import ProjectDeletion
from link_api.projects.schemas import ChangeProject, CreateProject, ListProjects, Project
from link_api.projects.service import ProjectService
from link_api.text import parsed_query

router = APIRouter(prefix="/projects", route_class=DirectRoute)
internal_router = APIRouter(prefix="/internal/projects", route_class=DirectRoute)


def service_of(request: Request) -> ProjectService:
    service: ProjectService = request.app.state.projects
    return service


def deletion_of(request: Request) -> ProjectDeletion:
    deletion: ProjectDeletion = request.app.state.project_deletion
    return deletion


Projects = Annotated[ProjectService, Depends(service_of)]
Reader = Annotated[KeyIdentity, Depends(require("projects.read"))]


@router.get("", responses=answers(list[Project]), openapi_extra=query_parameters(ListProjects))
async def list_projects(identity: Reader, projects: Projects, request: Request) -> Response:
    return MsgspecResponse(await projects.own_page(identity, parsed_query(ListProjects, request)))


@router.get("/{slug}", responses=answers(Project))
async def get_project(identity: Reader, projects: Projects, slug: str) -> Response:
    return MsgspecResponse(await projects.own(identity, slug))


@internal_router.post("")
async def create_project(projects: Projects, body: CreateProject) -> Response:
    return MsgspecResponse(await projects.create(body))


@internal_router.get("")
async def list_all_projects(projects: Projects, request: Request) -> Response:
    return MsgspecResponse(await projects.page(parsed_query(ListProjects, request)))


@internal_router.get("/{slug}")
async def get_any_project(projects: Projects, slug: str) -> Response:
    return MsgspecResponse(await projects.get(slug))


@internal_router.patch("/{slug}")
async def update_project(projects: Projects, slug: str, body: ChangeProject) -> Response:
    return MsgspecResponse(await projects.change(slug, body))


@internal_router.delete("/{slug}")
async def delete_project(deletion: Annotated[ProjectDeletion, Depends(deletion_of)], slug: str) -> Response:
    """Goes on with the deletion for a few seconds; the answer says whether it is done."""
    return MsgspecResponse(await deletion.go_on(slug))


@internal_router.post("/{slug}/keys")
async def issue_key(projects: Projects, slug: str) -> Response:
    return MsgspecResponse(await projects.issue_key(slug))
