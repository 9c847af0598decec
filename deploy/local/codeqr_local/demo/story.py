"""The demo from its first line to its last."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from rich.console import Console
from rich.text import Text

from codeqr_local.demo import ending, screen, visitors
from codeqr_local.demo.client import Api, Refused
from codeqr_local.demo.counts import Counter
from codeqr_local.demo.receiver import Receiver
from codeqr_local.demo.show import shown
from codeqr_local.demo.tally import Tally

VISITS = 300
VISITS_SECONDS = 12.0
SETTLE_SECONDS = 30.0
TARGET = "https://www.python.org/downloads/"
TRIGGERS = ["link.created", "link.clicked"]


@dataclass(frozen=True)
class Stage:
    """Where the story plays: the stack's addresses, and the demo's own project and its key."""

    api_url: str
    short_url: str
    project: str
    key: str


async def tell(stage: Stage, console: Console) -> int:
    """Runs the demo; the exit status: 0 when every count agrees, else 1. Raises `Refused` when the API says no."""
    tally, outcome = Tally(), visitors.Outcome()
    receiver = Receiver(tally)
    timeout = aiohttp.ClientTimeout(total=10)
    async with receiver.listen(), aiohttp.ClientSession(timeout=timeout) as session:
        api = Api(session, stage.api_url, stage.key)
        async with _webhook(api, receiver):
            link = await api.create_link(TARGET, "Download Python", ["demo", "spring"])
            _introduce(console, stage, link, receiver.url)
            counter = Counter(api, link["id"], outcome, tally)
            async with shown(console, counter, tally, VISITS):
                await _visits(stage, link, outcome, counter)
                agreed = await counter.settle(SETTLE_SECONDS)
            minutes = await api.minutes(link["id"]) if agreed else []
    ending.tell(console, tally, minutes)
    return ending.judge(console, counter, outcome, tally, agreed, SETTLE_SECONDS)


@contextlib.asynccontextmanager
async def _webhook(api: Api, receiver: Receiver) -> AsyncIterator[None]:
    """A webhook for the time of the story, so that nothing is sent to a receiver that has gone."""
    webhook = await api.create_webhook("Demo receiver", receiver.url, TRIGGERS)
    receiver.trust(webhook["secret"])
    try:
        yield
    finally:
        with contextlib.suppress(Refused, aiohttp.ClientError, TimeoutError):
            await api.delete_webhook(webhook["id"])


async def _visits(stage: Stage, link: Mapping[str, Any], outcome: visitors.Outcome, counter: Counter) -> None:
    """Makes all visits while the counts are asked for beside them."""
    visits = visitors.invent(VISITS, random.Random())  # noqa: S311 - visitors, not secrets
    following = asyncio.create_task(counter.follow())
    try:
        await visitors.make(visits, stage.short_url, link["domain"], link["key"], VISITS_SECONDS, outcome)
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following


def _introduce(console: Console, stage: Stage, link: Mapping[str, Any], receiver_url: str) -> None:
    console.print()
    console.rule(Text(f"one short link, {VISITS} visits, and everything that counts them", style="bold"), style="dim")
    console.print(screen.link_card(link, stage.project, receiver_url))
    console.print()
