"""The bodies, the query and the answers of project calls."""

from typing import Annotated

import msgspec
from pydantic import BaseModel, BeforeValidator, StringConstraints, model_validator

from link_api.paging import Paging
from link_api.text import Text, snake_and_camel, stripped

ProjectName = Annotated[Text, StringConstraints(min_length=1, max_length=190), BeforeValidator(stripped)]
Slug = Annotated[Text, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,46}[a-z0-9])?$")]
"""1 to 48 of a-z, 0-9 and dashes, no dash at either end."""


class ListProjects(Paging):
    """The query of `GET /projects`."""


class CreateProject(BaseModel):
    """A project's name, and a slug if it is to have a certain one."""

    model_config = snake_and_camel()

    name: ProjectName
    slug: Slug | None = None


class ChangeProject(BaseModel):
    """What to change of a project: absent = unchanged. Neither field can be cleared."""

    model_config = snake_and_camel()

    name: ProjectName | None = None
    slug: Slug | None = None

    @model_validator(mode="after")
    def _clears_nothing(self) -> "ChangeProject":
        for name in sorted(self.model_fields_set):
            if getattr(self, name) is None:
                raise ValueError(f"{name}: cannot be cleared")
        return self


class ProjectDomain(msgspec.Struct, frozen=True):
    """A domain as its project shows it."""

    slug: str
    primary: bool
    verified: bool


class Project(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The project object of the contract (section 8). `links_usage`: links that there are now."""

    id: str
    name: str
    slug: str
    clicks: int
    scans: int
    links_usage: int
    qr_codes_usage: int
    domains: list[ProjectDomain]
    created_at: str
    updated_at: str


class NewProject(msgspec.Struct, frozen=True, rename="camel"):
    """A project that was just made, with its first key, which is shown only now."""

    id: str
    slug: str
    name: str
    api_key: str


class NewKey(msgspec.Struct, frozen=True, rename="camel"):
    """A key that was just made, which is shown only now."""

    api_key: str


class Deletion(msgspec.Struct, frozen=True, rename="camel"):
    """How far a project's deletion has come. Until it is `done` it has to be asked for again."""

    id: str
    slug: str
    deleted_links: int
    """By this call."""
    done: bool
