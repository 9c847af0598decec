"""Webhooks that a link names: the service that owns them is asked whether they are there."""

from collections.abc import Collection, Iterable

from codeqr_common import errors
from codeqr_common.errors import ApiError
from codeqr_common.http.internal import InternalClient, NotFound, ServiceUnavailable
from codeqr_common.logs import get_logger

log = get_logger(__name__)
LONGEST = 50
"""Characters: no id is longer, and no more of what is none is shown."""


class WebhookDirectory:
    """Which webhooks a project has, as the webhooks service says."""

    def __init__(self, webhooks: InternalClient) -> None:
        self._webhooks = webhooks

    async def known(self, project_id: str, ids: list[str]) -> set[str]:
        """Which of these are webhooks of the project. Raises 503 when that cannot be known."""
        asked = [webhook_id for webhook_id in ids if len(webhook_id) <= LONGEST]
        if not asked:
            return set()
        try:
            answer = await self._webhooks.post("/internal/webhooks/known", {"projectId": project_id, "ids": asked})
        except (ServiceUnavailable, NotFound) as error:
            log.warning("webhooks is away", error=str(error))
            raise errors.service_unavailable("Webhooks cannot be looked up at the moment.") from error
        return set(answer["ids"])


def unknown_webhook(ids: Iterable[str], known: Collection[str]) -> ApiError | None:
    """What is said of the first of `ids` that is not among the known ones."""
    unknown = next((webhook_id for webhook_id in ids if webhook_id not in known), None)
    if unknown is None:
        return None
    return errors.unprocessable_entity(f"webhookIds: {unknown[:LONGEST]} is no webhook of this project")
