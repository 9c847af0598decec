"""An engine that somebody else runs: not started, only waited for at its URL."""

from __future__ import annotations

import asyncio

from codeqr_local.children import Children, LineSink
from codeqr_local.errors import StackError
from codeqr_local.process import Step
from codeqr_local.readiness import NotReady, Probe, wait_until

_LIMIT_SECONDS = 30.0


def step(name: str, variable: str, probe: Probe) -> Step:
    """Done when the engine answers; it takes the place of the engine's process in the order of starting."""

    async def run(_: Children, __: LineSink) -> None:
        try:
            async with asyncio.timeout(_LIMIT_SECONDS):
                await wait_until(probe)
        except TimeoutError:
            raise StackError(f"{name} does not answer at {variable}: {await _reason(probe)}") from None

    return Step(name, run)


async def _reason(probe: Probe) -> str:
    try:
        await probe()
    except NotReady as reason:
        return str(reason)
    return "it answered just now; try again"
