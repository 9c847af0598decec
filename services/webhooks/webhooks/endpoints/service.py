"""What can be done with endpoints."""

import re
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncEngine

from codeqr_common import errors
from codeqr_common.http.calls import WriteCall
from codeqr_common.ids import new_id
from codeqr_common.logs import get_logger
from codeqr_common.times import now_ms
from webhooks.database import answer, transaction
from webhooks.delivery.signing import new_secret
from webhooks.endpoints.repository import Endpoint, EndpointRepository
from webhooks.endpoints.schemas import CreateWebhook, view_of
from webhooks.endpoints.targets import TargetPolicy, TargetRefused, checked_target

log = get_logger(__name__)
DISABLED_BY_CALLER = "disabled by its owner"
ID = re.compile(r"wh_[0-9A-Za-z]{22}")
"""What is not of this form is no endpoint, and is not asked for (Postgres cannot hold every text)."""


class EndpointService:
    """Every method raises `ApiError`: 404 for what is not the project's, 503 when the database is not there."""

    def __init__(self, engine: AsyncEngine, policy: TargetPolicy) -> None:
        self._engine = engine
        self._policy = policy

    async def create(self, call: WriteCall, wanted: CreateWebhook) -> Endpoint:
        """Register an endpoint; events from now on are for it. Raises `ApiError` 422 for a URL that is refused.

        A repeat of the call is answered without the secret.
        """
        try:
            url = checked_target(wanted.url, self._policy)
        except TargetRefused as error:
            raise errors.unprocessable_entity(f"url: {error}") from error
        now = now_ms()
        endpoint = Endpoint(
            id=new_id("wh"),
            project_id=call.project_id,
            name=wanted.name,
            url=url,
            triggers=tuple(dict.fromkeys(wanted.triggers)),
            link_ids=tuple(dict.fromkeys(wanted.link_ids)),
            enabled=wanted.enabled,
            disabled_at=None if wanted.enabled else now,
            disabled_reason=None if wanted.enabled else DISABLED_BY_CALLER,
            secret=new_secret(),
            created_at=now,
            updated_at=now,
        )
        await answer(
            self._engine,
            call,
            lambda connection: EndpointRepository(connection).add(endpoint),
            kept=lambda _: view_of(endpoint),
        )
        log.info("endpoint created", endpoint_id=endpoint.id)
        return endpoint

    async def get(self, project_id: str, endpoint_id: str) -> Endpoint:
        _check_id(endpoint_id)
        async with transaction(self._engine) as connection:
            endpoint = await EndpointRepository(connection).get(project_id, endpoint_id)
        if endpoint is None:
            raise _unknown()
        return endpoint

    async def list(self, project_id: str, *, page: int, page_size: int) -> list[Endpoint]:
        """Newest first; `page` counts from 1."""
        async with transaction(self._engine) as connection:
            return await EndpointRepository(connection).list(project_id, limit=page_size, offset=(page - 1) * page_size)

    async def known(self, project_id: str, endpoint_ids: Sequence[str]) -> set[str]:
        """Those of these ids that are the project's endpoints."""
        asked = sorted(endpoint_id for endpoint_id in set(endpoint_ids) if ID.fullmatch(endpoint_id))
        if not asked:
            return set()
        async with transaction(self._engine) as connection:
            return await EndpointRepository(connection).known(project_id, asked)

    async def delete(self, project_id: str, endpoint_id: str) -> None:
        """Remove it; nothing more is sent to it, but for attempts under way."""
        _check_id(endpoint_id)
        async with transaction(self._engine) as connection:
            removed = await EndpointRepository(connection).remove(project_id, endpoint_id)
        if not removed:
            raise _unknown()
        log.info("endpoint deleted", endpoint_id=endpoint_id)


def _check_id(endpoint_id: str) -> None:
    if not ID.fullmatch(endpoint_id):
        raise _unknown()


def _unknown() -> errors.ApiError:
    return errors.not_found("There is no such webhook in this project.")
