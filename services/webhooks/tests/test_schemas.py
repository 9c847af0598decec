import pytest
from pydantic import ValidationError

from codeqr_common.times import now_ms
from webhooks.endpoints.repository import Endpoint
from webhooks.endpoints.schemas import CreateWebhook, view_of

GOOD = {"name": "orders", "url": "https://example.com/hook", "triggers": ["link.created"]}


def test_the_least_that_is_needed() -> None:
    wanted = CreateWebhook.model_validate({**GOOD, "name": " orders ", "unknown": 1, "linkIds": None, "enabled": None})
    assert (wanted.name, wanted.link_ids, wanted.enabled) == ("orders", [], True)


@pytest.mark.parametrize("spelling", ["linkIds", "link_ids"])
def test_both_spellings(spelling: str) -> None:
    assert CreateWebhook.model_validate({**GOOD, spelling: ["link_1"]}).link_ids == ["link_1"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", " "),
        ("name", "x" * 41),
        ("name", "a\0b"),
        ("name", 7),
        ("url", "https://e.example/" + "x" * 2048),
        ("url", None),
        ("triggers", []),
        ("triggers", ["link.burned"]),
        ("triggers", "link.created"),
        ("linkIds", "link_1"),
        ("linkIds", [""]),
        ("enabled", "perhaps"),
    ],
)
def test_what_is_refused_names_its_field(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        CreateWebhook.model_validate({**GOOD, field: value})
    assert {error["loc"][0] for error in caught.value.errors()} == {field}


def test_the_secret_is_shown_only_when_asked_for() -> None:
    endpoint = Endpoint(
        id="wh_1",
        project_id="proj_1",
        name="orders",
        url="https://example.com",
        triggers=("link.created",),
        link_ids=(),
        enabled=True,
        disabled_at=None,
        disabled_reason=None,
        secret="whsec_x",
        created_at=now_ms(),
        updated_at=now_ms(),
    )
    assert view_of(endpoint, with_secret=True).secret == "whsec_x"
    assert view_of(endpoint).secret != "whsec_x"
