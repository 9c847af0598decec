"""The same clicks as four parts of the system count them, and whether they agree."""

import asyncio
from dataclasses import dataclass, replace

import aiohttp

from codeqr_local.demo.client import Api, Refused
from codeqr_local.demo.tally import Tally
from codeqr_local.demo.visitors import Outcome

POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Counts:
    """`answered`: 302s that people got; then clicks, by the link's counter, by analytics, by verified callbacks.

    The two bot figures are the 302s that bots got and what analytics set aside as bots.
    """

    answered: int = 0
    link: int = 0
    analytics: int = 0
    callbacks: int = 0
    answered_bots: int = 0
    analytics_bots: int = 0

    @property
    def agree(self) -> bool:
        same = self.answered == self.link == self.analytics == self.callbacks
        return same and self.answered_bots == self.analytics_bots


class Counter:
    """Asks the parts, at most four times a second; `now` is the newest whole answer."""

    def __init__(self, api: Api, link_id: str, outcome: Outcome, tally: Tally) -> None:
        self._api = api
        self._link_id = link_id
        self._outcome = outcome
        self._tally = tally
        self._asked = Counts()
        self.problem = ""
        """Why the last question got no answer, if it got none."""

    @property
    def now(self) -> Counts:
        """What is known this moment: what the demo itself saw is fresh, the rest as last asked."""
        return replace(
            self._asked,
            answered=self._outcome.people,
            callbacks=self._tally.clicks,
            answered_bots=self._outcome.bots,
        )

    async def follow(self) -> None:
        """Asks again and again until cancelled."""
        while True:
            await self.ask()
            await asyncio.sleep(POLL_SECONDS)

    async def ask(self) -> Counts:
        """Asks link-api and analytics once; a service that is away leaves the figures as they were."""
        try:
            link, people, bots = await asyncio.gather(
                self._api.link(self._link_id), self._api.counts(self._link_id), self._api.counts(self._link_id, "only")
            )
        except (Refused, aiohttp.ClientError, TimeoutError) as error:
            self.problem = str(error) or type(error).__name__
            return self.now
        self.problem = ""
        self._asked = Counts(link=link["clicks"], analytics=people["clicks"], analytics_bots=bots["clicks"])
        return self.now

    async def settle(self, seconds: float) -> bool:
        """Asks until all agree twice in a row, a second apart; False when they do not within `seconds`."""
        clock = asyncio.get_running_loop().time
        end = clock() + seconds
        while clock() < end:
            if (await self.ask()).agree:
                await asyncio.sleep(1)
                if (await self.ask()).agree:
                    return True
            await asyncio.sleep(POLL_SECONDS)
        return False
