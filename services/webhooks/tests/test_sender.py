"""Attempts at an endpoint on this machine: whatever it answers, there is an attempt to record."""

from ipaddress import ip_network

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from webhooks.delivery.attempts import Answer, DueDelivery
from webhooks.delivery.sender import Sender

SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


async def answer_to(url: str, secret: str = SECRET) -> Answer:
    delivery = DueDelivery(
        id="whd_1",
        lease="lease_1",
        attempts=0,
        endpoint_id="wh_1",
        url=url,
        secret=secret,
        event_id="evt_1",
        trigger="link.created",
        body=b"{}",
        traceparent=None,
    )
    async with Sender(allowed=(ip_network("127.0.0.0/8"),), timeout_s=5, connections=1) as sender:
        return (await sender.send(delivery)).answer


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        (429, "7", 7.0),
        (503, "7", 7.0),
        (200, "7", None),
        (500, "7", None),
        (429, "Mon, 99999999999 Jan 2020 00:00:00 GMT", None),
    ],
)
async def test_only_429_and_503_may_ask_to_wait(status: int, header: str, seconds: float | None) -> None:
    async def handler(_request: web.BaseRequest) -> web.Response:
        return web.Response(status=status, text="so be it", headers={"Retry-After": header})

    async with RawTestServer(handler) as server:
        answer = await answer_to(str(server.make_url("/")))
    assert answer == Answer(status=status, body=b"so be it", retry_after_s=seconds)


@pytest.mark.parametrize("url", ["", "http://", "http://[", "http://127.0.0.1:99999/", "gopher://127.0.0.1/"])
async def test_an_attempt_at_what_is_no_address_is_recorded(url: str) -> None:
    answer = await answer_to(url)
    assert answer.status is None
    assert answer.error


async def test_an_attempt_that_cannot_be_signed_is_recorded() -> None:
    answer = await answer_to("http://127.0.0.1:9/", secret="whsec_\ud800")
    assert answer.status is None
    assert answer.error
