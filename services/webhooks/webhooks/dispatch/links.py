"""The links of clicks: as link-api knows them now, or, for deleted ones, as they last were."""

import asyncio
import time
from collections.abc import Collection

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from codeqr_common.events.links import Link
from codeqr_common.http.internal import InternalClient, NotFound, ServiceUnavailable
from codeqr_common.logs import get_logger
from webhooks.dispatch import repository
from webhooks.dispatch.patience import DeletionNews, patience_is_over

log = get_logger(__name__)
CHUNK = 100
"""Links asked for at once: of the largest kind (256 KiB) they are still a fair answer."""
FIRST_DELAY_S = 0.1
LAST_DELAY_S = 2.0


class Stopping(Exception):
    """The process was asked to stop while it waited."""


class _Found(msgspec.Struct):
    links: list[Link]


_decode = msgspec.json.Decoder(_Found).decode


class LinkSource:
    """Finds links for as long as it takes: while link-api is away nothing is dropped."""

    def __init__(
        self, link_api: InternalClient, engine: AsyncEngine, deletions: DeletionNews, stop: asyncio.Event
    ) -> None:
        self._link_api = link_api
        self._engine = engine
        self._deletions = deletions
        self._stop = stop

    async def find(self, link_ids: Collection[str]) -> dict[str, Link]:
        """Link id → link. Raises `Stopping`, or what the database raises.

        Absent from it: links that link-api says it does not have, and whose deletion did not arrive within 30 s, or,
        while deletions come late, within 10 minutes.
        """
        found: dict[str, Link] = {}
        delay = FIRST_DELAY_S
        since: float | None = None
        while missing := [link_id for link_id in link_ids if link_id not in found]:
            try:
                found |= await self._look_up(missing)
                since = since or time.monotonic()
            except ServiceUnavailable as error:
                since = None
                log.warning("links not available", error=str(error))
            if len(found) == len(link_ids) or (since is not None and await self._is_hopeless(since)):
                break
            await self._wait(delay)
            delay = min(delay * 2, LAST_DELAY_S)
        return found

    async def _is_hopeless(self, since: float) -> bool:
        late_at = await self._deletions.late_at()
        return patience_is_over(time.monotonic(), since, late_at)

    async def _look_up(self, link_ids: list[str]) -> dict[str, Link]:
        found: dict[str, Link] = {}
        for start in range(0, len(link_ids), CHUNK):
            found |= await self._ask(link_ids[start : start + CHUNK])
        if unknown := [link_id for link_id in link_ids if link_id not in found]:
            async with self._engine.connect() as connection:
                found |= await repository.copies(connection, unknown)
        return found

    async def _ask(self, link_ids: list[str]) -> dict[str, Link]:
        try:
            answer = await self._link_api.post_bytes("/internal/links/lookup", {"ids": link_ids})
            return {link.id: link for link in _decode(answer).links}
        except (NotFound, msgspec.DecodeError) as error:
            raise ServiceUnavailable(f"{type(error).__name__}: {error}") from error

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return
        raise Stopping
