"""Analytics killed at the two moments where a store without transactions can lose a row or hold it twice.

strace stops the thread of the embedded engine that renames a finished part into its place: before the rename the rows
are written but not there; after it they are there, and the offset is not committed yet. Random kills miss both.
"""

import os
import shutil
import signal
import subprocess
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
KILL_BEFORE_RENAME = "rename:signal=SIGKILL:when=1"
HOLD_AFTER_RENAME = "rename:delay_exit=60000000"
RENAMED_AND_HELD = "= 0 (DELAYED)"
NEVER_RENAMED = "= ?"
INSERTED_PART = "tmp_insert_"
VISITS = 20
ATTEMPTS = 5
ATTACH_S = 15
DRAIN_S = 60

pytestmark = pytest.mark.faults


class Ledger:
    """A link, and every visit to it that was answered: each has a Referer of its own."""

    def __init__(self, stack: Any) -> None:
        answer = stack.api.post("/links", json={"url": "https://example.com/crash", "domain": stack.short_domain})
        assert answer.status_code == 200, answer.text
        self._stack = stack
        self._project_slug = stack.project_slug
        self.link: dict[str, Any] = answer.json()
        self.referrers: list[str] = []

    def visit(self, times: int) -> None:
        for _ in range(times):
            referrer = f"https://ledger.example/{uuid.uuid4()}"
            answer = httpx.get(self.link["shortLink"], headers={"User-Agent": BROWSER, "Referer": referrer})
            assert answer.status_code == 302
            self.referrers.append(referrer)

    def stored(self) -> Counter[str]:
        """How often each visit is stored."""
        clicks = self._stack.clicks(self._project_slug)
        return Counter(click["referrer"] for click in clicks if click["linkId"] == self.link["id"])

    def figure(self) -> int:
        """The clicks that analytics counts."""
        answer = self._stack.api.get("/analytics", params={"linkId": self.link["id"], "interval": "24h"})
        return int(answer.raise_for_status().json()["clicks"])

    def counter(self) -> int:
        """The clicks that the link itself shows."""
        answer = self._stack.api.get("/links/info", params={"linkId": self.link["id"]})
        return int(answer.raise_for_status().json()["clicks"])

    def check(self) -> None:
        """Every answered visit is there once, and all who count agree."""
        visits = len(self.referrers)
        self._stack.wait_until(lambda: _try(self.figure) >= visits, DRAIN_S)
        assert self.stored() == Counter(self.referrers)
        self._stack.wait_until(lambda: self.counter() == self.figure() == visits, DRAIN_S)


def _try(ask: Callable[[], int]) -> int:
    """The answer, or 0 while the process that would give it is being brought back."""
    try:
        return ask()
    except httpx.HTTPError:
        return 0


@contextmanager
def traced(pid: int, injection: str, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """strace on every thread of `pid`. Leaving the block ends strace, which lets the process go."""
    command = ["strace", "-f", "-qq", "-o", str(log), "-e", "trace=rename", "-e", f"inject={injection}", "-p", str(pid)]
    strace = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        yield strace
    finally:
        strace.kill()
        strace.communicate()


def all_threads_traced(pid: int, tracer: int) -> bool:
    tasks = list(Path(f"/proc/{pid}/task").iterdir())
    return all(f"TracerPid:\t{tracer}\n" in (task / "status").read_text() for task in tasks)


@pytest.fixture(scope="module", autouse=True)
def strace_works(stack: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip where strace is missing, or may not attach to a process that is not its child."""
    if stack.env["clickhouseUrl"] is not None:
        pytest.skip("the parts are not written by analytics here, but by a ClickHouse server of its own")
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        with traced(sleeper.pid, KILL_BEFORE_RENAME, tmp_path_factory.mktemp("strace") / "log") as strace:
            stack.wait_until(lambda: strace.poll() is not None or all_threads_traced(sleeper.pid, strace.pid), ATTACH_S)
            if strace.poll() is not None:
                pytest.skip("strace may not attach to other processes here")
    finally:
        sleeper.kill()
        sleeper.wait()


def test_killed_between_writing_a_part_and_its_rename(stack: Any, tmp_path: Path) -> None:
    hit_an_insert(stack, tmp_path, killed_before_rename)


def test_killed_between_the_insert_and_the_offset(stack: Any, tmp_path: Path) -> None:
    hit_an_insert(stack, tmp_path, killed_after_rename)


def hit_an_insert(stack: Any, folder: Path, kill: Callable[[Any, int, Ledger, Path], str]) -> None:
    """Kill analytics until it was an insert's rename that was hit, not a merge's; exact after each time."""
    ledger = Ledger(stack)
    ledger.visit(VISITS)
    ledger.check()
    for attempt in range(ATTEMPTS):
        pid = stack.processes()["analytics"]
        hit = kill(stack, pid, ledger, folder / f"strace-{attempt}")
        stack.wait_until(lambda killed=pid: stack.processes().get("analytics", killed) != killed, DRAIN_S)
        ledger.visit(VISITS)
        ledger.check()
        if INSERTED_PART in hit:
            return
    pytest.fail("only merges were hit, never an insert")


def killed_before_rename(stack: Any, pid: int, ledger: Ledger, log: Path) -> str:
    """The line of the rename that never happened."""
    with traced(pid, KILL_BEFORE_RENAME, log) as strace:
        stack.wait_until(lambda: all_threads_traced(pid, strace.pid), ATTACH_S)
        ledger.visit(VISITS)
        stack.wait_until(lambda: strace.poll() is not None, DRAIN_S)
    renames = [line for line in log.read_text().splitlines() if "rename" in line]
    assert NEVER_RENAMED in renames[-1]
    return renames[0]


def killed_after_rename(stack: Any, pid: int, ledger: Ledger, log: Path) -> str:
    """The line of the rename that happened, and was the last thing its thread did."""
    with traced(pid, HOLD_AFTER_RENAME, log) as strace:
        stack.wait_until(lambda: all_threads_traced(pid, strace.pid), ATTACH_S)
        ledger.visit(VISITS)
        stack.wait_until(lambda: RENAMED_AND_HELD in log.read_text(), DRAIN_S)
        os.kill(pid, signal.SIGKILL)
    return next(line for line in log.read_text().splitlines() if RENAMED_AND_HELD in line)
