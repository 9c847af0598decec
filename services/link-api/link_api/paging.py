"""Which part of a list is asked for (contract 1.4): a page by its number, or the rows next to one whose id is known."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, Field, model_validator
from sqlalchemy import ColumnElement, Select

from link_api.text import Text, snake_and_camel

MOST_PAGES = 1_000_000


class Paging(BaseModel):
    """`page` from 1, or `startingAfter` / `endingBefore`: the rows after or before the one with this id."""

    model_config = snake_and_camel()

    page: Annotated[int, Field(ge=1, le=MOST_PAGES)] | None = None
    page_size: Annotated[int, Field(ge=1, le=100)] = 50
    starting_after: Text | None = None
    ending_before: Text | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "Paging":
        ways = [name for name in ("page", "starting_after", "ending_before") if getattr(self, name) is not None]
        if len(ways) > 1:
            raise ValueError("send only one of page, startingAfter and endingBefore")
        return self

    @property
    def offset(self) -> int:
        """Rows to skip."""
        return ((self.page or 1) - 1) * self.page_size

    def part(self, query: Select[Any], column: ColumnElement[Any], *, descending: bool) -> Select[Any]:
        """`query` in the order of `column` (unique, an id), cut to the part. Pass its rows to `in_order`."""
        cursor = self.starting_after if self.starting_after is not None else self.ending_before
        backwards = self.ending_before is not None
        downwards = descending != backwards
        if cursor is not None:
            query = query.where(column < cursor if downwards else column > cursor)
        query = query.order_by(column.desc() if downwards else column.asc())
        return query.limit(self.page_size).offset(self.offset)

    def in_order(self, rows: Sequence[Any]) -> list[Any]:
        """The rows of `part` in the list's own order."""
        return list(rows)[::-1] if self.ending_before is not None else list(rows)
