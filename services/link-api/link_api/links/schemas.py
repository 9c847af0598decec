"""The bodies of link calls. Both spellings of a field are taken; what is not listed is ignored (contract 1)."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, StringConstraints

from link_api.text import Text, cut, snake_and_camel, string_list

TITLE_LENGTH = 120
DESCRIPTION_LENGTH = 240
COMMENTS_LENGTH = 5_000
NAME_LENGTH = 255


def _external_id(value: Any) -> Any:
    """Without a leading `ext_`; an empty one is none."""
    return (value.removeprefix("ext_") or None) if isinstance(value, str) else value


StringList = Annotated[list[Text], BeforeValidator(string_list)]
ExternalId = Annotated[Text, StringConstraints(max_length=NAME_LENGTH)]


class LinkFields(BaseModel):
    """What a caller can own of a link. Which fields were sent stands in `model_fields_set`; null clears."""

    model_config = snake_and_camel()

    url: Text | None = None
    domain: Text | None = None
    key: Text | None = None
    title: Annotated[Text, AfterValidator(cut(TITLE_LENGTH))] | None = None
    description: Annotated[Text, AfterValidator(cut(DESCRIPTION_LENGTH))] | None = None
    comments: Annotated[Text, StringConstraints(max_length=COMMENTS_LENGTH)] | None = None
    external_id: Annotated[ExternalId | None, BeforeValidator(_external_id)] = None
    tenant_id: Annotated[Text, StringConstraints(max_length=NAME_LENGTH)] | None = None
    archived: bool | None = None
    tag_id: Text | None = None
    tag_ids: StringList | None = None
    tag_names: StringList | None = None


class CreateLink(LinkFields):
    """Body of `POST /links`."""

    url: Text
    prefix: Text | None = None
    key_length: Annotated[int, Field(ge=3, le=190)] | None = None


class ChangeLink(LinkFields):
    """Body of `PATCH /links/{id}`: absent = unchanged, null = cleared."""


class LinkFilters(BaseModel):
    """The query of `GET /links`."""

    model_config = snake_and_camel()

    domain: Text | None = None
    search: Text | None = None
    tenant_id: Text | None = None
    user_id: Text | None = None
    external_id: Annotated[ExternalId | None, BeforeValidator(_external_id)] = None
    tag_id: Text | None = None
    tag_ids: StringList | None = None
    tag_names: StringList | None = None
    show_archived: bool = False
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    page_size: Annotated[int, Field(ge=1, le=100)] = 50
