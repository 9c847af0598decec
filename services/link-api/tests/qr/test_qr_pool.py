"""The drawing processes: what they are, and what happens when they die, stop or are too many."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from link_api.qr import pool as pool_module
from link_api.qr.draw import Refused, draw
from link_api.qr.drawing import Drawing
from link_api.qr.pool import Busy, DrawingFailed, DrawingPool, TooSlow, WorkerDied
from link_api.qr.worker import NICENESS

Make = Callable[..., Drawing]
STEP_S = 0.01


@pytest.fixture
async def one() -> AsyncIterator[DrawingPool]:
    """A pool of one worker in which one drawing more may wait."""
    pool = DrawingPool(workers=1, waiting=1, limit_s=20)
    yield pool
    await pool.aclose()


def files_of(pid: int) -> set[str]:
    return {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()}


async def until(condition: Callable[[], Any], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - other processes set no event
            await asyncio.sleep(STEP_S)


def is_running(pid: int) -> bool:
    """Whether it lives; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


async def worker_of(pool: DrawingPool, drawing: Make) -> int:
    await pool.draw(drawing())
    (pid,) = pool.pids
    return pid


async def test_it_draws_what_draw_draws(one: DrawingPool, drawing: Make) -> None:
    order = drawing("é😀", format="svg", background=None)
    assert await one.draw(order) == draw(order)


async def test_no_process_is_started_before_it_is_needed(one: DrawingPool, drawing: Make) -> None:
    assert one.pids == set()
    first = await worker_of(one, drawing)
    assert await worker_of(one, drawing) == first


async def test_what_a_worker_refuses_is_refused(one: DrawingPool, drawing: Make) -> None:
    with pytest.raises(Refused, match=r"^size: "):
        await one.draw(drawing(size=64))
    assert await one.draw(drawing())


async def test_a_fault_in_drawing_is_told_and_the_worker_goes_on(one: DrawingPool, drawing: Make) -> None:
    pid = await worker_of(one, drawing)
    with pytest.raises(DrawingFailed, match="ValueError"):
        await one.draw(drawing(foreground=(0, 0, 300)))
    assert await worker_of(one, drawing) == pid


@pytest.mark.parametrize("noticed", [True, False])
async def test_a_killed_worker_is_replaced(one: DrawingPool, drawing: Make, noticed: bool) -> None:
    pid = await worker_of(one, drawing)
    os.kill(pid, signal.SIGKILL)
    if noticed:  # by the event loop, which closes its pipes
        await until(lambda: not Path(f"/proc/{pid}").exists())
    assert await worker_of(one, drawing) != pid


async def test_a_drawing_whose_worker_is_killed_is_drawn_by_another(one: DrawingPool, drawing: Make) -> None:
    pid = await worker_of(one, drawing)
    with stopped(pid):
        waiting = asyncio.create_task(one.draw(drawing("mine")))
        await asyncio.sleep(0)
        os.kill(pid, signal.SIGKILL)
        assert await waiting == draw(drawing("mine"))
    assert one.pids != {pid}


async def test_a_drawing_that_kills_every_worker_is_given_up(
    one: DrawingPool, drawing: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []

    async def ends_at_once() -> asyncio.subprocess.Process:
        started.append(1)
        return await asyncio.create_subprocess_exec("false", stdin=-1, stdout=-1)

    monkeypatch.setattr(pool_module, "_start", ends_at_once)
    with pytest.raises(WorkerDied):
        await one.draw(drawing())
    assert len(started) == pool_module.ATTEMPTS


async def test_beyond_the_queue_it_is_busy(one: DrawingPool, drawing: Make) -> None:
    pid = await worker_of(one, drawing)
    with stopped(pid):
        admitted = [asyncio.create_task(one.draw(drawing(str(number)))) for number in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await one.draw(drawing("3"))
    assert await asyncio.gather(*admitted) == [draw(drawing("0")), draw(drawing("1"))]
    assert await worker_of(one, drawing) == pid


async def test_a_worker_that_is_too_slow_is_killed(drawing: Make) -> None:
    pool = DrawingPool(workers=1, waiting=0, limit_s=20)
    pid = await worker_of(pool, drawing)
    pool._limit_s = 0.05
    with stopped(pid), pytest.raises(TooSlow):
        await pool.draw(drawing("slow"))
    await until(lambda: not is_running(pid))
    pool._limit_s = 20
    # Were the late answer of the first still there, this one would get it.
    assert await pool.draw(drawing("next")) == draw(drawing("next"))
    await pool.aclose()


async def test_a_worker_is_not_killed_because_others_had_to_wait(drawing: Make) -> None:
    pool = DrawingPool(workers=1, waiting=1, limit_s=20)
    pid = await worker_of(pool, drawing)
    with stopped(pid):
        first = asyncio.create_task(pool.draw(drawing("first")))
        await asyncio.sleep(0)
        pool._limit_s = 0.05
        with pytest.raises(TooSlow):
            await pool.draw(drawing("second"))
    assert await first == draw(drawing("first"))
    assert pool.pids == {pid}
    await pool.aclose()


async def test_workers_end_with_the_pool(drawing: Make) -> None:
    pool = DrawingPool(workers=2, waiting=8, limit_s=20)
    await asyncio.gather(*(pool.draw(drawing(str(number))) for number in range(6)))
    pids = pool.pids
    assert len(pids) == 2
    await pool.aclose()
    assert not any(map(is_running, pids))
    assert pool.pids == set()


async def test_workers_are_nice_and_deaf_to_ctrl_c(one: DrawingPool, drawing: Make) -> None:
    pid = await worker_of(one, drawing)
    assert os.getpriority(os.PRIO_PROCESS, pid) == min(os.nice(0) + NICENESS, 19)
    os.kill(pid, signal.SIGINT)
    assert await worker_of(one, drawing) == pid


async def test_workers_do_not_hold_our_sockets(drawing: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = f"socket:[{os.fstat(listener.fileno()).st_ino}]"
        pool = DrawingPool(workers=1, waiting=0, limit_s=20)
        pid = await worker_of(pool, drawing)
        held = files_of(pid)
        await pool.aclose()
    assert held
    assert ours not in held


PARENT = """
import asyncio, sys
from link_api.qr.drawing import Drawing
from link_api.qr.pool import DrawingPool

async def main():
    pool = DrawingPool(workers=1, waiting=0, limit_s=20)
    await pool.draw(Drawing("x", 600, "L", (0, 0, 0), None, 2, "png", "square"))
    print(*pool.pids, flush=True)
    await asyncio.Event().wait()

if sys.argv[1] == "uvloop":
    import uvloop
    uvloop.run(main())
else:
    asyncio.run(main())
"""


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("busy", [True, False])
async def test_workers_end_with_a_killed_parent(loop: str, busy: bool) -> None:
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", PARENT, loop, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    # One that is stopped reads its input no more than one that draws.
    with stopped(pid) if busy else contextlib.nullcontext():
        parent.kill()
        await until(lambda: not is_running(pid))
    await parent.wait()


def test_a_worker_loads_little() -> None:
    """Each new one costs what its imports cost."""
    script = "import sys, link_api.qr.worker; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    heavy = {"fastapi", "pydantic", "sqlalchemy", "aiokafka", "redis", "numpy", "asyncio"}
    assert heavy & set(done.stdout.split()) == set()


async def test_the_event_loop_is_free_while_a_picture_is_drawn(one: DrawingPool, drawing: Make) -> None:
    await one.draw(drawing())
    longest = 0.0
    task = asyncio.create_task(one.draw(drawing("x" * 2000, format="pdf", style="dots")))
    while not task.done():
        before = time.perf_counter()
        await asyncio.sleep(0)
        longest = max(longest, time.perf_counter() - before)
    assert re.match(rb"%PDF", await task)
    assert longest < 0.1
