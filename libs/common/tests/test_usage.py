"""Usage of keys: counted in the process, reported every few seconds, and once more at the end."""

import asyncio
from collections.abc import Mapping

import pytest

from codeqr_common.auth import usage as module
from codeqr_common.auth.usage import KeyUsage


class Reports:
    """Takes reports, or fails."""

    def __init__(self) -> None:
        self.taken: list[dict[str, int]] = []
        self.failing = False
        self.came = asyncio.Event()

    async def __call__(self, requests: Mapping[str, int]) -> None:
        self.came.set()
        if self.failing:
            raise OSError("away")
        self.taken.append(dict(requests))


async def test_what_is_waiting_is_reported_when_the_process_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REPORT_EVERY_S", 60.0)
    reports, stop = Reports(), asyncio.Event()
    usage = KeyUsage(reports)
    running = asyncio.ensure_future(usage.run(stop))
    await asyncio.sleep(0)
    for key_id in ("tok_1", "tok_2", "tok_1"):
        usage.note(key_id)
    stop.set()
    await running
    assert reports.taken == [{"tok_1": 2, "tok_2": 1}]


async def test_what_could_not_be_reported_is_reported_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REPORT_EVERY_S", 0.01)
    reports, stop = Reports(), asyncio.Event()
    usage = KeyUsage(reports)
    reports.failing = True
    usage.note("tok_1")
    running = asyncio.ensure_future(usage.run(stop))
    await asyncio.wait_for(reports.came.wait(), 1)
    usage.note("tok_1")
    reports.failing = False
    reports.came.clear()
    await asyncio.wait_for(reports.came.wait(), 1)
    stop.set()
    await running
    assert reports.taken == [{"tok_1": 2}]


async def test_it_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KEPT", 2)
    monkeypatch.setattr(module, "REPORT_EVERY_S", 0.001)
    reports, stop = Reports(), asyncio.Event()
    reports.failing = True
    usage = KeyUsage(reports)
    for number in range(3):
        usage.note(f"tok_{number}")
    running = asyncio.ensure_future(usage.run(stop))
    await asyncio.wait_for(reports.came.wait(), 1)
    stop.set()
    await running
    assert usage.waiting == {}
