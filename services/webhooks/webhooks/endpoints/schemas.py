"""What callers send and get at `/webhooks` (contract 6.1)."""

import unicodedata
from typing import Annotated, Any, Literal

import msgspec
from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, Field, StringConstraints

from codeqr_common.times import iso
from webhooks.endpoints.repository import Endpoint

Trigger = Literal[
    "link.created",
    "link.updated",
    "link.deleted",
    "link.clicked",
    "lead.created",
    "sale.created",
    "qrcode.created",
    "qrcode.updated",
    "qrcode.deleted",
    "qrcode.scanned",
    "webhook.test",
]


def _printable(text: str) -> str:
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise ValueError("must not hold control characters")
    return text


def _or(default: object, kind: Any) -> BeforeValidator:
    """null means the default; `kind` is what else may be sent."""

    def replace(value: Any) -> Any:
        return default if value is None else value

    return BeforeValidator(replace, json_schema_input_type=kind | None)


def _text(most: int) -> StringConstraints:
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=most)


Printable = AfterValidator(_printable)
LinkIds = Annotated[list[Annotated[str, _text(255), Printable]], Field(max_length=1000)]


class CreateWebhook(BaseModel):
    """The body of `POST /webhooks`. Unknown fields are ignored."""

    name: Annotated[str, _text(40), Printable]
    url: Annotated[str, _text(2048), Printable]
    triggers: Annotated[list[Trigger], Field(min_length=1, max_length=100)]
    link_ids: Annotated[LinkIds, Field(validation_alias=AliasChoices("linkIds", "link_ids")), _or([], LinkIds)] = []
    enabled: Annotated[bool, _or(True, bool)] = True


class Webhook(msgspec.Struct, rename="camel", kw_only=True, omit_defaults=False):
    """An endpoint as the API shows it."""

    id: str
    name: str
    url: str
    triggers: list[str]
    link_ids: list[str]
    enabled: bool
    disabled_at: str | None
    disabled_reason: str | None
    created_at: str
    updated_at: str
    secret: str | msgspec.UnsetType = msgspec.UNSET
    """Shown at creation only, and not when that call is repeated."""


def view_of(endpoint: Endpoint, *, with_secret: bool = False) -> Webhook:
    return Webhook(
        id=endpoint.id,
        name=endpoint.name,
        url=endpoint.url,
        triggers=list(endpoint.triggers),
        link_ids=list(endpoint.link_ids),
        enabled=endpoint.enabled,
        disabled_at=None if endpoint.disabled_at is None else iso(endpoint.disabled_at),
        disabled_reason=endpoint.disabled_reason,
        created_at=iso(endpoint.created_at),
        updated_at=iso(endpoint.updated_at),
        secret=endpoint.secret if with_secret else msgspec.UNSET,
    )
