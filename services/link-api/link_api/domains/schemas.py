"""The bodies, the query and the answers of domain calls."""

from typing import Annotated

import msgspec
from pydantic import BaseModel, BeforeValidator, StringConstraints, model_validator

from link_api.paging import Paging
from link_api.text import Text, empty_is_none, snake_and_camel

MAX_PLACEHOLDER = 2_048
Url = Annotated[Text | None, BeforeValidator(empty_is_none, json_schema_input_type=Text | None)]
Placeholder = Annotated[Text, StringConstraints(max_length=MAX_PLACEHOLDER)]


class ListDomains(Paging):
    """The query of `GET /domains`."""


class DomainFields(BaseModel):
    """What a caller can own of a domain. Which fields were sent stands in `model_fields_set`; null clears."""

    model_config = snake_and_camel()

    primary: bool | None = None
    archived: bool | None = None
    root_url: Url = None
    not_found_url: Url = None
    expired_url: Url = None
    placeholder: Annotated[
        Placeholder | None, BeforeValidator(empty_is_none, json_schema_input_type=Placeholder | None)
    ] = None


class CreateDomain(DomainFields):
    """Body of `POST /domains`."""

    slug: Text


class ChangeDomain(DomainFields):
    """Body of `PATCH /domains/{slug}`: absent = unchanged. The slug may be sent, but not another one."""

    slug: Text | None = None

    @model_validator(mode="after")
    def _keeps_its_slug(self) -> "ChangeDomain":
        if "slug" in self.model_fields_set and self.slug is None:
            raise ValueError("slug: cannot be cleared")
        return self


class VerificationRecord(msgspec.Struct, frozen=True):
    """The DNS record that shows who owns the domain."""

    type: str
    name: str
    value: str


class Domain(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The domain object of the contract (section 8)."""

    id: str
    slug: str
    verified: bool
    verification_record: VerificationRecord
    primary: bool
    archived: bool
    root_url: str | None
    not_found_url: str | None
    expired_url: str | None
    placeholder: str | None
    created_at: str
    updated_at: str
