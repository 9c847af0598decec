"""Webhooks that a link names, as the webhooks service tells of them."""

import httpx
import pytest
from pydantic import SecretStr

from codeqr_common.errors import ApiError
from codeqr_common.http.internal import InternalClient
from link_api.links.webhook_ids import WebhookDirectory, unknown_webhook

NOWHERE = "http://127.0.0.1:9"


def directory_of(answer: httpx.Response | None) -> WebhookDirectory:
    """A directory whose service gives this answer; None: nothing listens."""
    client = InternalClient(NOWHERE, SecretStr("token"))
    if answer is not None:
        client._client = httpx.AsyncClient(base_url=NOWHERE, transport=httpx.MockTransport(lambda _: answer))
    return WebhookDirectory(client)


async def test_the_service_is_asked_which_are_known() -> None:
    directory = directory_of(httpx.Response(200, json={"ids": ["wh_a"]}))
    assert await directory.known("proj_1", ["wh_b", "wh_a"]) == {"wh_a"}


async def test_nobody_is_asked_about_nothing() -> None:
    assert await directory_of(None).known("proj_1", []) == set()
    assert await directory_of(None).known("proj_1", ["wh_" + "x" * 300]) == set()


def test_the_first_unknown_webhook_is_named() -> None:
    assert unknown_webhook(["wh_a"], {"wh_a", "wh_c"}) is None
    refusal = unknown_webhook(["wh_a", "wh_b" + "x" * 300, "wh_d"], {"wh_a"})
    assert refusal is not None
    assert refusal.status == 422
    assert refusal.message.startswith("webhookIds: wh_bxxx")
    assert len(refusal.message) < 120


@pytest.mark.parametrize("answer", [None, httpx.Response(500), httpx.Response(404), httpx.Response(401)])
async def test_what_cannot_be_known_is_503(answer: httpx.Response | None) -> None:
    with pytest.raises(ApiError) as raised:
        await directory_of(answer).known("proj_1", ["wh_a"])
    assert raised.value.status == 503
    assert int(raised.value.headers["Retry-After"]) >= 1
