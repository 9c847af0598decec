"""The supervisor with real child processes."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from codeqr_local import proc
from codeqr_local.supervised import Backoff

PROGRAM = Path(__file__).parent / "programs" / "small_stack.py"
Eventually = Callable[[Callable[[], object], float], None]


class SmallStack:
    """The supervisor in a process of its own, and what it reports."""

    def __init__(self, *commands: str) -> None:
        self.process = subprocess.Popen([sys.executable, str(PROGRAM), *commands], stdout=subprocess.PIPE, text=True)
        self.reports: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.reports.put(json.loads(line))

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool], seconds: float = 15.0) -> dict[str, Any]:
        """The next report that is wanted; earlier ones are dropped."""
        deadline = time.monotonic() + seconds
        while True:
            report = self.reports.get(timeout=max(0.01, deadline - time.monotonic()))
            if wanted(report):
                return report

    def pid(self, name: str, status: str = "ready") -> int:
        """The pid with which the process next has the status."""
        report = self.wait_for(lambda r: r["what"] == "states" and r["states"][name][0] == status)
        pid = report["states"][name][1]
        assert isinstance(pid, int)
        return pid

    def line(self, name: str) -> str:
        """The next line that the process prints."""
        return str(self.wait_for(lambda r: r["what"] == "line" and r["name"] == name)["line"])


@pytest.fixture
def small_stack() -> Iterator[Callable[..., SmallStack]]:
    started: list[SmallStack] = []

    def start(*commands: str) -> SmallStack:
        started.append(SmallStack(*commands))
        return started[-1]

    yield start
    for stack in started:
        stack.process.kill()
        stack.process.wait()


def is_alive(pid: int) -> bool:
    return proc.start_time(pid) is not None


def test_a_killed_process_comes_back(small_stack: Callable[..., SmallStack]) -> None:
    stack = small_stack("service=exec sleep 1000")
    first = stack.pid("service")
    os.kill(first, signal.SIGKILL)
    assert stack.wait_for(lambda r: r["what"] == "tell" and "SIGKILL" in r["text"])
    second = stack.pid("service")
    assert second != first
    assert is_alive(second)
    assert not is_alive(first)


def test_the_death_of_the_supervisor_leaves_no_process(
    small_stack: Callable[..., SmallStack], eventually: Eventually
) -> None:
    stack = small_stack("one=trap '' TERM INT HUP; exec sleep 1000", "two=exec sleep 1000")
    stack.wait_for(lambda r: r["what"] == "ready")
    children = proc.child_pids(stack.process.pid)
    assert len(children) == 2
    stack.process.kill()
    eventually(lambda: not any(is_alive(pid) for pid in children), 5.0)


def test_what_a_dead_process_leaves_behind_is_ended(
    small_stack: Callable[..., SmallStack], eventually: Eventually
) -> None:
    stack = small_stack("service=setsid sleep 1000 & echo $!; wait")
    grandchild = int(stack.line("service"))
    parent = proc.parent(grandchild)
    assert parent
    assert is_alive(grandchild)
    os.kill(parent, signal.SIGKILL)
    eventually(lambda: not is_alive(grandchild), 5.0)


def test_stopping_is_orderly_and_complete(small_stack: Callable[..., SmallStack]) -> None:
    stack = small_stack(
        "engine=trap 'echo engine ends; exit 0' TERM; while :; do sleep 0.05; done",
        "service=trap 'sleep 0.3; echo service ends; exit 0' TERM; echo up; while :; do sleep 0.05; done",
    )
    stack.wait_for(lambda r: r["what"] == "ready")
    assert stack.line("service") == "up"
    children = proc.child_pids(stack.process.pid)
    stack.process.terminate()
    said = [stack.wait_for(lambda r: r["what"] == "line")["line"] for _ in range(2)]
    assert said == ["service ends", "engine ends"]
    stack.wait_for(lambda r: r["what"] == "stopped")
    assert stack.process.wait(5) == 0
    assert not any(is_alive(pid) for pid in children)


def test_a_start_that_cannot_succeed_is_given_up(small_stack: Callable[..., SmallStack]) -> None:
    stack = small_stack("good=exec sleep 1000", "broken=exec /no/such/program")
    good = stack.pid("good")
    assert "broken ended 6 times" in stack.wait_for(lambda r: r["what"] == "failed", 30.0)["message"]
    stack.process.wait(10)
    assert not is_alive(good)


def test_a_disk_that_is_full_at_a_restart_ends_no_supervision(small_stack: Callable[..., SmallStack]) -> None:
    stack = small_stack("full_disk=exec sleep 1000")
    first = stack.pid("full_disk")
    os.kill(first, signal.SIGKILL)
    assert stack.wait_for(lambda r: r["what"] == "tell" and "No space left on device" in r["text"])
    assert stack.pid("full_disk") != first


def test_the_end_of_a_supervision_is_told(small_stack: Callable[..., SmallStack]) -> None:
    stack = small_stack("cursed=exec sleep 1000", "good=exec sleep 1000")
    cursed = stack.pid("cursed")
    stack.wait_for(lambda r: r["what"] == "ready")
    (good,) = set(proc.child_pids(stack.process.pid)) - {cursed}
    os.kill(cursed, signal.SIGKILL)
    failure = stack.wait_for(lambda r: r["what"] == "failed")
    assert failure["message"] == "cursed is no longer supervised: RuntimeError('cursed')"
    stack.process.wait(10)
    assert not is_alive(good)


def test_pauses_grow_to_a_limit_and_shrink_after_a_steady_run() -> None:
    backoff = Backoff()
    pauses = [backoff.next(0.1) for _ in range(8)]
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    assert backoff.next(31.0) == 0.2
