"""Invents the visits of the demo and makes them against the redirector."""

import asyncio
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import aiohttp

from codeqr_local.demo.cast import BOTS, BROWSERS, PLACES, REFERRERS, Browser, Place

BOT_EVERY = 14  # one visit in so many comes from a bot
SCAN_SHARE = 0.3  # of the visits by phone

Weighted = TypeVar("Weighted", Place, Browser)


@dataclass(frozen=True)
class Visit:
    """One request to the short link. `bot` is what the story knows; the redirector has to find it out by itself."""

    method: str
    scan: bool
    bot: bool
    headers: dict[str, str]


@dataclass
class Outcome:
    """What the visitors saw: 302 answers by people and by bots, and visits that got any other answer or none."""

    people: int = 0
    bots: int = 0
    failed: int = 0
    problem: str = ""

    @property
    def made(self) -> int:
        return self.people + self.bots


def invent(count: int, rng: random.Random) -> list[Visit]:
    """`count` visits in random order of place, browser and referrer; every `BOT_EVERY`th is a bot."""
    return [_bot(number, rng) if number % BOT_EVERY == BOT_EVERY - 1 else _person(rng) for number in range(count)]


def moments(count: int, seconds: float) -> Iterator[float]:
    """When each visit happens, in seconds from the start: a slow beginning, a rush in the middle, a slow end."""
    for number in range(count):
        share = (number + 0.5) / count
        yield seconds * (0.5 + math.copysign(abs(2 * share - 1) ** 1.6, share - 0.5) / 2)


async def make(visits: Sequence[Visit], short_url: str, host: str, key: str, seconds: float, outcome: Outcome) -> None:
    """Makes the visits over about `seconds`, each at its moment, and writes what happened into `outcome` as it goes."""
    clock = asyncio.get_running_loop().time
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=16)) as session:
        start = clock()
        async with asyncio.TaskGroup() as group:
            for visit, moment in zip(visits, moments(len(visits), seconds), strict=True):
                await asyncio.sleep(start + moment - clock())
                group.create_task(_visit(session, visit, f"{short_url}/{key}", host, outcome))


async def _visit(session: aiohttp.ClientSession, visit: Visit, url: str, host: str, outcome: Outcome) -> None:
    headers = {**visit.headers, "Host": host}
    url = f"{url}?qr=1" if visit.scan else url
    try:
        async with session.request(visit.method, url, headers=headers, allow_redirects=False) as answer:
            status = answer.status
    except (aiohttp.ClientError, TimeoutError) as error:
        outcome.failed += 1
        outcome.problem = f"a visit got no answer ({type(error).__name__})"
        return
    if status != 302:
        outcome.failed += 1
        outcome.problem = f"a visit was answered {status} instead of 302"
    elif visit.bot:
        outcome.bots += 1
    else:
        outcome.people += 1


def _person(rng: random.Random) -> Visit:
    place = _one(rng, PLACES)
    browser = _one(rng, BROWSERS)
    headers = {**_origin(place, rng), "User-Agent": browser.user_agent, "Accept": "text/html"}
    scan = browser.phone and rng.random() < SCAN_SHARE
    [(referrer, _)] = rng.choices(REFERRERS, [weight for _, weight in REFERRERS])
    if referrer and not scan:  # a camera sends no referrer
        headers["Referer"] = referrer
    return Visit("GET", scan, False, headers)


def _bot(number: int, rng: random.Random) -> Visit:
    bot = BOTS[number // BOT_EVERY % len(BOTS)]
    return Visit(bot.method, False, True, {**_origin(rng.choice(PLACES), rng), **bot.headers})


def _origin(place: Place, rng: random.Random) -> dict[str, str]:
    return {"X-Forwarded-For": f"{place.network}.{rng.randint(1, 254)}", "Accept-Language": place.language}


def _one(rng: random.Random, choices: Sequence[Weighted]) -> Weighted:
    return rng.choices(choices, [choice.weight for choice in choices])[0]
