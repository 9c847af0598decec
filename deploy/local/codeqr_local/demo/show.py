"""Shows the counts while they rise: a moving picture on a terminal, a line now and then elsewhere."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from rich.console import Console
from rich.live import Live

from codeqr_local.demo import screen
from codeqr_local.demo.counts import Counter
from codeqr_local.demo.tally import Tally

FRAMES_PER_SECOND = 8
LINE_SECONDS = 2.0


@contextlib.asynccontextmanager
async def shown(console: Console, counter: Counter, tally: Tally, total: int) -> AsyncIterator[None]:
    """Shows while the block runs, and once more, whole, at its end."""
    if not console.is_terminal:
        async with _every(LINE_SECONDS, lambda: console.print(screen.plain(counter.now, total))):
            yield
        console.print()
        console.print(screen.live(counter.now, tally, total))
        return
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as picture:
        async with _every(
            1 / FRAMES_PER_SECOND, lambda: picture.update(screen.live(counter.now, tally, total), refresh=True)
        ):
            yield


@contextlib.asynccontextmanager
async def _every(seconds: float, draw: Callable[[], None]) -> AsyncIterator[None]:
    async def draw_on() -> None:
        while True:
            draw()
            await asyncio.sleep(seconds)

    drawing = asyncio.create_task(draw_on())
    try:
        yield
    finally:
        drawing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await drawing
        draw()
