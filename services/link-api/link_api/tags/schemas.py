"""The bodies and the query of tag calls."""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, StringConstraints, model_validator

from link_api.paging import Paging
from link_api.text import Text, empty_is_none, snake_and_camel, stripped

MAX_NAME = 190
Color = Literal["red", "yellow", "green", "blue", "purple", "pink", "brown"]
TagName = Annotated[Text, StringConstraints(min_length=1, max_length=MAX_NAME), BeforeValidator(stripped)]
Search = Annotated[Text, StringConstraints(max_length=MAX_NAME)]


class ListTags(Paging):
    """The query of `GET /tags`."""

    search: Annotated[Search | None, BeforeValidator(empty_is_none, json_schema_input_type=Search | None)] = None


class CreateTag(BaseModel):
    """Body of `POST /tags`. Without a colour the tag gets the one that its name gives."""

    model_config = snake_and_camel()

    name: TagName
    color: Color | None = None


class ChangeTag(BaseModel):
    """Body of `PATCH /tags/{id}`: absent = unchanged. Neither field can be cleared."""

    model_config = snake_and_camel()

    name: TagName | None = None
    color: Color | None = None

    @model_validator(mode="after")
    def _clears_nothing(self) -> "ChangeTag":
        for name in sorted(self.model_fields_set):
            if getattr(self, name) is None:
                raise ValueError(f"{name}: cannot be cleared")
        return self
