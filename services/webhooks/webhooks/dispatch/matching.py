"""Which endpoints an event is for (contract 6.2, 6.3)."""

from collections.abc import Collection
from dataclasses import dataclass

LINK_SCOPED = frozenset({"link.clicked", "qrcode.scanned"})
"""The triggers for which `linkIds` counts."""


@dataclass(frozen=True)
class Subscription:
    """What matching needs of an endpoint. `since` is in milliseconds since the epoch."""

    endpoint_id: str
    project_id: str
    triggers: frozenset[str]
    link_ids: frozenset[str]
    since: int


def wants(
    subscription: Subscription, *, trigger: str, project_id: str, time: int, link_id: str, webhook_ids: Collection[str]
) -> bool:
    """Whether the event is for the endpoint. `webhook_ids` are those that the link names."""
    if subscription.project_id != project_id or trigger not in subscription.triggers or time < subscription.since:
        return False
    if trigger not in LINK_SCOPED or not subscription.link_ids:
        return True
    return link_id in subscription.link_ids or subscription.endpoint_id in webhook_ids
