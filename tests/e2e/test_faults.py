"""Every process is killed once while clients keep a ledger. Afterwards nothing that was answered is lost or doubled.

Another length, rate or list: `FAULT_SECONDS=120 FAULT_RATE=200 FAULT_VICTIMS="kafka kafka" make test-faults`.
"""

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from ledger import Ledger
from running import Project, Stack

SECONDS = float(os.environ.get("FAULT_SECONDS", "90"))
RATE = float(os.environ.get("FAULT_RATE", "100"))
DRAIN_S = 60
VICTIMS = os.environ.get(
    "FAULT_VICTIMS",
    "redirector-0 sender-0 analytics counters outbox-relay redirector-1 link-api webhooks sender-1 gateway redis"
    " postgres kafka",
).split()
LINKS = 5
pytestmark = pytest.mark.faults


class Creations:
    """Creates links one after the other; what was answered 200 must be there in the end."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._stop = threading.Event()
        self.accepted: list[str] = []
        self.failed = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def _run(self) -> None:
        number = 0
        while not self._stop.wait(0.25):
            number += 1
            try:
                answer = self._project.api.post("/links", json={"url": "https://example.com/", "key": f"made-{number}"})
            except httpx.HTTPError:
                self.failed += 1
                continue
            if answer.status_code == 200:
                self.accepted.append(answer.json()["id"])
            else:
                assert "error" in answer.json(), answer.text
                self.failed += 1


async def visit_and_kill(stack: Stack, ledger: Ledger) -> None:
    visiting = asyncio.create_task(
        ledger.keep_visiting(stack.short_url, stack.short_domain, rate=RATE, seconds=SECONDS)
    )
    began = time.monotonic()
    pause = SECONDS / (len(VICTIMS) + 1)
    for number, name in enumerate(VICTIMS, 1):
        await asyncio.sleep(max(0.0, began + number * pause - time.monotonic()))
        await asyncio.to_thread(stack.kill, name)
    await visiting


def test_nothing_answered_is_lost_or_doubled_when_every_process_dies_once(stack: Stack) -> None:
    project = stack.new_project("ledger")
    links = [
        project.api.post("/links", json={"url": f"https://example.com/{number}"}).raise_for_status().json()
        for number in range(LINKS)
    ]
    ledger = Ledger([link["key"] for link in links])
    creations = Creations(project)

    with creations.running():
        asyncio.run(visit_and_kill(stack, ledger))
    print(f"\nledger: {ledger.summary()}; links created: {len(creations.accepted)}, not: {creations.failed}")  # noqa: T201

    drained_by = time.monotonic() + DRAIN_S
    stack.wait_until(lambda: ledger.complete(stack.clicks(project.slug)), DRAIN_S)
    clicks = list(stack.clicks(project.slug))
    assert ledger.audit(clicks) == []
    assert len(ledger.answered) > 0.9 * RATE * SECONDS, "the redirect was away for too long"

    counted = {link["id"]: sum(click["linkId"] == link["id"] for click in clicks) for link in links}

    def counters_agree() -> bool:
        found = {one: project.api.get("/links/info", params={"linkId": one}).json()["clicks"] for one in counted}
        return found == counted

    stack.wait_until(counters_agree, max(1.0, drained_by - time.monotonic()))
    for one in creations.accepted:
        assert project.api.get("/links/info", params={"linkId": one}).status_code == 200
