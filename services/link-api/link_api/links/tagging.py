"""The tags that bodies ask for: by id, or by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from link_api.database import Outdated
from link_api.links.schemas import LinkFields
from link_api.links.values import TAG_FIELDS
from link_api.tags import repository as tag_rows
from link_api.tags.repository import fold_name

Tag = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TagsAsked:
    """`ids`: ids, or names in their place (published examples do that)."""

    ids: tuple[str, ...]
    names: tuple[str, ...]
    is_shown: bool = False
    """Only `tagId` was sent, as a link shows its first tag."""

    def __bool__(self) -> bool:
        return bool(self.ids or self.names)

    def repeats(self, rows: Sequence[Mapping[str, Any]]) -> bool:
        """Whether this is just what the links show: a caller that sends a link back changes no tags."""
        return self.is_shown and all([tag["id"] for tag in row["tags"][:1]] == list(self.ids) for row in rows)


def tags_asked(body: LinkFields) -> TagsAsked | None:
    """None when the body says nothing of tags."""
    if not body.model_fields_set & TAG_FIELDS:
        return None
    ids = [*([body.tag_id] if body.tag_id else ()), *(body.tag_ids or ())]
    is_shown = not body.model_fields_set & {"tag_ids", "tag_names"}
    return TagsAsked(tuple(ids), tuple(body.tag_names or ()), is_shown)


async def resolve(connection: AsyncConnection, project_id: str, asked: Sequence[TagsAsked | None]) -> list[list[Tag]]:
    """The tags of each, in order and each once; those that are not there yet are made, all at once."""
    ids = [entry for each in asked if each for entry in each.ids]
    names = [entry for each in asked if each for entry in each.names]
    found = await tag_rows.ensure(connection, project_id, ids, names)
    by_id = {tag["id"]: tag for tag in found}
    by_name = {fold_name(tag["name"]): tag for tag in found}
    return [_picked(each, by_id, by_name) if each else [] for each in asked]


def _picked(asked: TagsAsked, by_id: dict[str, Tag], by_name: dict[str, Tag]) -> list[Tag]:
    tags = [by_id.get(entry) or by_name.get(fold_name(entry)) for entry in asked.ids]
    tags += [by_name.get(fold_name(entry)) for entry in asked.names]
    if None in tags:
        raise Outdated("a tag was deleted at this moment")
    return list({tag["id"]: tag for tag in tags if tag}.values())
