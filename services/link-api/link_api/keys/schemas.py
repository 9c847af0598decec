"""What callers send and get at `/tokens` and `/oauth/userinfo`."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, StringConstraints

from link_api.keys.powers import expanded
from link_api.moments import Moment
from link_api.text import Text, empty_is_none, no_flag, snake_and_camel, string_list

NAME_LENGTH = 190
HIGHEST_LIMIT = 1_000_000
LONGEST_OVERLAP_S = 7 * 24 * 3600
DEFAULT_OVERLAP_S = 24 * 3600


def _expanded(value: Sequence[str]) -> Sequence[str]:
    return expanded(value)


def _stripped(value: Any) -> Any:
    """`StringConstraints` would strip after it has measured."""
    return value.strip() if isinstance(value, str) else value


Name = Annotated[Text, StringConstraints(min_length=1, max_length=NAME_LENGTH), BeforeValidator(_stripped)]
Scopes = Annotated[
    list[Text], BeforeValidator(string_list, json_schema_input_type=list[str] | str), AfterValidator(_expanded)
]
RateLimit = Annotated[int, Field(ge=0, le=HIGHEST_LIMIT), BeforeValidator(no_flag)]


class CreateToken(BaseModel):
    """Body of `POST /tokens`. `scopes` is needed for a secret key; a publishable one has its own."""

    model_config = snake_and_camel()

    name: Name
    scopes: Scopes | None = None
    expires_at: Annotated[Moment | None, BeforeValidator(empty_is_none)] = None
    rate_limit: RateLimit | None = None
    publishable: bool | None = None


class ChangeToken(BaseModel):
    """Body of `PATCH /tokens/{id}`: absent = unchanged. Only `expiresAt` can be cleared by null."""

    model_config = snake_and_camel()

    name: Name | None = None
    scopes: Scopes | None = None
    expires_at: Annotated[Moment | None, BeforeValidator(empty_is_none)] = None
    rate_limit: RateLimit | None = None


class RotateToken(BaseModel):
    """Body of `POST /tokens/{id}/rotate`. `overlap`: seconds for which the old secret goes on working."""

    model_config = snake_and_camel()

    overlap: Annotated[int, Field(ge=0, le=LONGEST_OVERLAP_S), BeforeValidator(no_flag)] = DEFAULT_OVERLAP_S


class DayUsage(msgspec.Struct, frozen=True):
    """Requests of one day of UTC."""

    date: str
    requests: int


class TokenUsage(msgspec.Struct, frozen=True, rename="camel"):
    """Requests of the present day and the 29 before it, a few seconds old."""

    last_30_days: int
    days: list[DayUsage]


class Token(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An API key as the API shows it."""

    id: str
    name: str
    scopes: list[str]
    last_four: str
    publishable: bool
    rate_limit: int
    expires_at: str | None
    last_used: str | None
    previous_until: str | None
    """Until when the secret before the last rotation works as well."""
    user_id: str
    project_id: str
    created_at: str
    updated_at: str
    usage: TokenUsage


class NewToken(Token, frozen=True, kw_only=True, rename="camel"):
    """A key with its secret, which is shown this once; absent when the call is repeated."""

    token: str | msgspec.UnsetType = msgspec.UNSET


class UserProject(msgspec.Struct, frozen=True):
    """The project of a key, as its user sees it."""

    id: str
    slug: str
    name: str
    plan: str


class UserInfo(msgspec.Struct, frozen=True):
    """The user that a key acts for."""

    id: str
    name: str
    project: UserProject
