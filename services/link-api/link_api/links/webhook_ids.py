"""Webhooks that a link names: the service that owns them is asked whether they are there."""

from codeqr_common import errors
from codeqr_common.http.internal import InternalClient, NotFound, ServiceUnavailable
from codeqr_common.logs import get_logger

log = get_logger(__name__)
SHOWN = 50  # characters of an id in a message


class WebhookDirectory:
    """Which webhooks a project has, as the webhooks service says."""

    def __init__(self, webhooks: InternalClient) -> None:
        self._webhooks = webhooks

    async def check(self, project_id: str, ids: list[str]) -> None:
        """Raises 422 when one of these is no webhook of the project, 503 when that cannot be known."""
        if not ids:
            return
        try:
            answer = await self._webhooks.post("/internal/webhooks/known", {"projectId": project_id, "ids": ids})
        except (ServiceUnavailable, NotFound) as error:
            log.warning("webhooks is away", error=str(error))
            raise errors.service_unavailable("Webhooks cannot be looked up at the moment.") from error
        known = set(answer["ids"])
        for webhook_id in ids:
            if webhook_id not in known:
                raise errors.unprocessable_entity(f"webhookIds: {webhook_id[:SHOWN]} is no webhook of this project")
