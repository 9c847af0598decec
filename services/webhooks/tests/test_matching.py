import pytest

from webhooks.dispatch.matching import Subscription, wants

TIME = 1_000


def subscription(triggers: set[str], link_ids: set[str] | None = None, since: int = TIME) -> Subscription:
    return Subscription("wh_1", "proj_1", frozenset(triggers), frozenset(link_ids or ()), since)


def wanted(
    endpoint: Subscription, trigger: str, *, project_id: str = "proj_1", webhook_ids: tuple[str, ...] = ()
) -> bool:
    return wants(endpoint, trigger=trigger, project_id=project_id, time=TIME, link_id="link_1", webhook_ids=webhook_ids)


def test_only_listed_triggers() -> None:
    endpoint = subscription({"link.created"})
    assert wanted(endpoint, "link.created")
    assert not wanted(endpoint, "link.updated")


def test_not_another_projects() -> None:
    assert not wanted(subscription({"link.created"}), "link.created", project_id="proj_2")


@pytest.mark.parametrize(("since", "expected"), [(TIME - 1, True), (TIME, True), (TIME + 1, False)])
def test_events_older_than_the_endpoint_are_not_for_it(since: int, expected: bool) -> None:
    assert wanted(subscription({"link.created"}, since=since), "link.created") is expected


@pytest.mark.parametrize("trigger", ["link.clicked", "qrcode.scanned"])
@pytest.mark.parametrize(
    ("link_ids", "webhook_ids", "expected"),
    [
        (set(), (), True),
        ({"link_1", "link_2"}, (), True),
        ({"link_2"}, (), False),
        ({"link_2"}, ("wh_1",), True),
        ({"link_2"}, ("wh_2",), False),
    ],
)
def test_clicks_and_scans_keep_to_the_links_named(
    trigger: str, link_ids: set[str], webhook_ids: tuple[str, ...], expected: bool
) -> None:
    assert wanted(subscription({trigger}, link_ids), trigger, webhook_ids=webhook_ids) is expected


def test_link_ids_do_not_scope_link_events() -> None:
    assert wanted(subscription({"link.deleted"}, {"link_2"}), "link.deleted")
