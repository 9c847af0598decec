"""The bodies and answers of domain calls."""

import msgspec
from pydantic import BaseModel

from link_api.text import Text, snake_and_camel


class CreateDomain(BaseModel):
    """Body of `POST /domains`."""

    model_config = snake_and_camel()

    slug: Text
    primary: bool | None = None
    root_url: Text | None = None
    not_found_url: Text | None = None
    expired_url: Text | None = None
    placeholder: Text | None = None


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
