"""Webhooks that a link names, as the webhooks service tells of them."""

import httpx
import pytest
from pydantic import SecretStr

from codeqr_common.errors import ApiError
from codeqr_common.http.internal import InternalClient
from link_api.links.webhook_ids import WebhookDirectory

NOWHERE = "http://127.0.0.1:9"


def directory_of(answer: httpx.Response | None) -> WebhookDirectory:
    """A directory whose service gives this answer; None: nothing listens."""
    client = InternalClient(NOWHERE, SecretStr("token"))
    if answer is not None:
        client._client = httpx.AsyncClient(base_url=NOWHERE, transport=httpx.MockTransport(lambda _: answer))
    return WebhookDirectory(client)


async def test_known_webhooks_pass() -> None:
    await directory_of(httpx.Response(200, json={"ids": ["wh_a", "wh_b"]})).check("proj_1", ["wh_b", "wh_a"])


async def test_nobody_is_asked_about_nothing() -> None:
    await directory_of(None).check("proj_1", [])


async def test_the_first_unknown_webhook_is_named() -> None:
    with pytest.raises(ApiError) as raised:
        await directory_of(httpx.Response(200, json={"ids": ["wh_a"]})).check("proj_1", ["wh_a", "wh_b" + "x" * 300])
    assert raised.value.status == 422
    assert raised.value.message.startswith("webhookIds: wh_bxxx")
    assert len(raised.value.message) < 120


@pytest.mark.parametrize("answer", [None, httpx.Response(500), httpx.Response(404), httpx.Response(401)])
async def test_what_cannot_be_known_is_503(answer: httpx.Response | None) -> None:
    with pytest.raises(ApiError) as raised:
        await directory_of(answer).check("proj_1", ["wh_a"])
    assert raised.value.status == 503
    assert int(raised.value.headers["Retry-After"]) >= 1
