"""What happens to tags.

A tag's change or deletion shows in every link that carries it, and yet it is no event of theirs: link-api reads a
link's tags when it is asked for the link, no redirector needs them, and one tag may be on a million links. A link event
carries the tags as they were when it was written.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common import errors
from codeqr_common.auth.keys import KeyIdentity
from codeqr_common.errors import ApiError
from codeqr_common.events.links import Tag
from codeqr_common.http.calls import WriteCall
from link_api.audit import repository as audit
from link_api.audit.repository import actor_of
from link_api.database import Database
from link_api.tags import repository
from link_api.tags.repository import color_of, fold_name
from link_api.tags.schemas import ChangeTag, CreateTag, ListTags


class TagService:
    """Everything the API does with tags. Errors are `ApiError`s."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, identity: KeyIdentity, asked: ListTags) -> list[Tag]:
        """One page of the project's tags, by name. 422 for a cursor that is none of them."""
        async with self._database.reading() as connection:
            placed = await repository.placed(connection, identity.project_id, asked)
            if placed is None:
                name = "startingAfter" if asked.starting_after is not None else "endingBefore"
                raise errors.unprocessable_entity(f"{name}: there is no such tag in this project")
            return [_shown(row) for row in await repository.page(connection, identity.project_id, placed)]

    async def create(self, call: WriteCall, body: CreateTag) -> Tag:
        """Make a tag. 409 when the name is used, in whatever case."""

        async def work(connection: AsyncConnection) -> Tag:
            color = body.color or color_of(body.name)
            tag = _shown(await repository.add(connection, call.project_id, body.name, color))
            await audit.record(connection, actor_of(call), "tag.created", [tag.id])
            return tag

        return await self._database.answer(call, work)

    async def change(self, call: WriteCall, tag_id: str, body: ChangeTag) -> Tag:
        """Change a tag. 404, 409."""
        values: dict[str, Any] = body.model_dump(include=body.model_fields_set)
        if "name" in values:
            values["name_folded"] = fold_name(values["name"])

        async def work(connection: AsyncConnection) -> Tag:
            row = await repository.change(connection, call.project_id, tag_id, values)
            if row is None:
                raise _unknown()
            if values:
                await audit.record(connection, actor_of(call), "tag.updated", [tag_id])
            return _shown(row)

        return await self._database.write(work)

    async def delete(self, call: WriteCall, tag_id: str) -> str:
        """Delete a tag, from its links too; gives its id. 404."""

        async def work(connection: AsyncConnection) -> str:
            if not await repository.remove(connection, call.project_id, tag_id):
                raise _unknown()
            await audit.record(connection, actor_of(call), "tag.deleted", [tag_id])
            return tag_id

        return await self._database.write(work)


def _shown(row: Mapping[str, Any]) -> Tag:
    return Tag(row["id"], row["name"], row["color"])


def _unknown() -> ApiError:
    return errors.not_found("There is no such tag in this project.")
