"""The bodies and queries of link calls. Both spellings of a field are taken; what is not listed is ignored."""

from typing import Annotated, Any, Literal

import msgspec
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, StringConstraints, model_validator

from codeqr_common.events.links import spelling
from codeqr_common.short_links import fold_key
from link_api.links.smart_rules import Rules
from link_api.moments import Moment
from link_api.paging import Paging
from link_api.text import Text, cut, empty_is_none, snake_and_camel, string_list, trimmed

TITLE_LENGTH = 120
DESCRIPTION_LENGTH = 240
COMMENTS_LENGTH = 5_000
NAME_LENGTH = 255
MOST_IN_BULK = 100
MOST_OF_ONE_LINK = 100
"""Tags, and webhooks."""


def _external_id(value: Any) -> Any:
    """Without a leading `ext_`; an empty one is none."""
    return (value.removeprefix("ext_") or None) if isinstance(value, str) else value


def _folded(value: str | None) -> str | None:
    return (fold_key(value) or None) if value else None


StringList = Annotated[list[Text], BeforeValidator(string_list, json_schema_input_type=list[Text] | Text)]
TagEntry = Annotated[Text, StringConstraints(max_length=190)]
"""An id, or a name."""
SentEntries = Annotated[str, Field(json_schema_extra={"pattern": r"^[^\u0000,]{0,190}(,[^\u0000,]{0,190})*$"})]
"""Entries as they are sent, with commas between them. Empty ones are dropped before any are counted."""
TagEntries = Annotated[
    list[TagEntry],
    Field(max_length=MOST_OF_ONE_LINK),
    BeforeValidator(string_list, json_schema_input_type=list[SentEntries] | SentEntries),
]
Ids = Annotated[
    list[Text],
    Field(max_length=MOST_IN_BULK),
    BeforeValidator(string_list, json_schema_input_type=list[Text] | Text),
]
Name = Annotated[Text, StringConstraints(max_length=NAME_LENGTH)]
ExternalId = Annotated[Name | None, BeforeValidator(_external_id)]
Trimmed = Annotated[Name | None, BeforeValidator(trimmed)]
Url = Annotated[Text | None, BeforeValidator(empty_is_none)]


def _group_spelling(name: str) -> str:
    return "_count" if name == "count" else spelling(name)


class LinkFields(BaseModel):
    """What a caller can own of a link. Which fields were sent stands in `model_fields_set`; null clears."""

    model_config = snake_and_camel()

    url: Text | None = None
    domain: Annotated[Text | None, BeforeValidator(empty_is_none)] = None
    key: Annotated[Text | None, BeforeValidator(empty_is_none)] = None
    external_id: ExternalId = None
    tenant_id: Annotated[Name | None, BeforeValidator(empty_is_none)] = None
    title: Annotated[Text, AfterValidator(cut(TITLE_LENGTH))] | None = None
    description: Annotated[Text, AfterValidator(cut(DESCRIPTION_LENGTH))] | None = None
    image: Url = None
    video: Url = None
    comments: Annotated[Text, StringConstraints(max_length=COMMENTS_LENGTH)] | None = None
    archived: bool | None = None
    track_conversion: bool | None = None
    proxy: bool | None = None
    rewrite: bool | None = None
    do_index: bool | None = None
    flexible: bool | None = None
    pre_redirection: bool | None = None
    is_form_mandatory: bool | None = None
    public_stats: bool | None = None
    expires_at: Annotated[Moment | None, BeforeValidator(empty_is_none)] = None
    expired_url: Url = None
    password: Annotated[Name | None, BeforeValidator(empty_is_none)] = None
    ios: Url = None
    android: Url = None
    geo: dict[Text, Text] | None = None
    rules: Rules | None = None
    utm_source: Trimmed = None
    utm_medium: Trimmed = None
    utm_campaign: Trimmed = None
    utm_term: Trimmed = None
    utm_content: Trimmed = None
    page_id: Name | None = None
    page_url: Url = None
    notification_token: Name | None = None
    tag_id: Annotated[TagEntry | None, BeforeValidator(empty_is_none)] = None
    tag_ids: TagEntries | None = None
    tag_names: TagEntries | None = None
    webhook_ids: Ids | None = None


class CreateLink(LinkFields):
    """Body of `POST /links`. `url` is required unless `flexible` is true."""

    prefix: Annotated[Text | None, BeforeValidator(empty_is_none)] = None
    key_length: Annotated[int, Field(ge=3, le=190)] | None = None

    @model_validator(mode="after")
    def _has_target(self) -> "CreateLink":
        if self.url is None and not self.flexible:
            raise ValueError("url: is required, unless flexible is true")
        return self


MANY_LINKS = {
    "type": "array",
    "minItems": 1,
    "maxItems": MOST_IN_BULK,
    "items": {"anyOf": [{"$ref": "#/components/schemas/CreateLink"}, {"description": "Answered in its place."}]},
}
"""The body of `POST /links/bulk` as a JSON Schema: what cannot be created is no reason to refuse the call."""


class ChangeLink(LinkFields):
    """Body of `PATCH /links/{id}`: absent = unchanged, null = cleared."""


class DeleteLinks(BaseModel):
    """The query of `DELETE /links/bulk`: ids, or `ext_` and external ids. Unknown ones are skipped."""

    model_config = snake_and_camel()

    link_ids: Ids | None = None


class DeletedCount(msgspec.Struct, frozen=True, rename="camel"):
    """How many links were deleted."""

    deleted_count: int


class LinkGroup(msgspec.Struct, frozen=True, rename=_group_spelling, omit_defaults=True):
    """How many links share a value; of the three only the one that was asked for is there."""

    count: int
    domain: str | msgspec.UnsetType = msgspec.UNSET
    tag_id: str | msgspec.UnsetType = msgspec.UNSET
    user_id: str | msgspec.UnsetType = msgspec.UNSET


class NotCreated(msgspec.Struct, frozen=True):
    """What a bulk creation answers in place of a link that could not be made: what was sent, and why not."""

    link: Any
    error: str
    code: str


class UpsertLink(LinkFields):
    """Body of an upsert: what is found is changed by it, what is not is created from it."""

    prefix: Annotated[Text | None, BeforeValidator(empty_is_none)] = None
    key_length: Annotated[int, Field(ge=3, le=190)] | None = None


class BulkData(LinkFields):
    """What a bulk change does to each link. `proxy` is ignored."""

    @model_validator(mode="before")
    @classmethod
    def _names_nothing(cls, value: Any) -> Any:
        if isinstance(value, dict):
            for name in ("domain", "key", "externalId", "external_id"):
                if name in value:
                    raise ValueError(f"{name}: cannot be changed in bulk")
        return value


class BulkChange(BaseModel):
    """Body of `PATCH /links/bulk`: which links, and what to change. Unknown ids are skipped."""

    model_config = snake_and_camel()

    link_ids: Ids | None = None
    external_ids: Ids | None = None
    data: BulkData

    @model_validator(mode="after")
    def _names_links(self) -> "BulkChange":
        count = len(self.link_ids or ()) + len(self.external_ids or ())
        if not 1 <= count <= MOST_IN_BULK:
            raise ValueError(f"linkIds: 1 to {MOST_IN_BULK} links are needed")
        return self

    @property
    def references(self) -> list[str]:
        """Ids, and `ext_` external ids."""
        external = [f"ext_{external_id.removeprefix('ext_')}" for external_id in self.external_ids or ()]
        return [*(self.link_ids or ()), *external]


class LinkFilters(BaseModel):
    """Which links a list or a count is about."""

    model_config = snake_and_camel()

    domain: Text | None = None
    tag_id: StringList | None = None
    tag_ids: StringList | None = None
    tag_names: StringList | None = None
    tenant_id: Text | None = None
    user_id: Text | None = None
    external_id: ExternalId = None
    search: Annotated[Name | None, AfterValidator(_folded)] = None
    """Folded, as what is searched is."""
    show_archived: bool = False


class ListLinks(LinkFilters, Paging):
    """The query of `GET /links`."""

    sort_by: Literal["createdAt", "clicks", "lastClicked", "saleAmount"] = "createdAt"
    sort_order: Literal["asc", "desc"] = "desc"


class CountLinks(LinkFilters):
    """The query of `GET /links/count`."""

    group_by: Literal["domain", "tagId", "userId"] | None = None


class LinkReference(BaseModel):
    """The query of `GET /links/info`: `linkId`, or `externalId`, or `domain` and `key`."""

    model_config = snake_and_camel()

    link_id: Text | None = None
    external_id: ExternalId = None
    domain: Text | None = None
    key: Text | None = None
