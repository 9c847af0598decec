"""Supervises shell commands given as NAME=COMMAND; tells what happens as JSON lines; stops at SIGTERM.

A command named `broken` is never ready. For `full_disk` the preparation of the second start fails as on a full disk,
for `cursed` as nobody foresaw.
"""

import asyncio
import errno
import json
import signal
import sys

from codeqr_local.children import Children, LineSink
from codeqr_local.errors import StackError
from codeqr_local.process import ProcessSpec, StopStage
from codeqr_local.readiness import NotReady
from codeqr_local.supervisor import Supervisor


async def ready_at_once() -> None:
    return


async def never_ready() -> None:
    raise NotReady("not yet")


class FailingOnce:
    """A preparation that fails before the second start."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self._starts = 0

    async def __call__(self, _children: Children, _on_line: LineSink) -> None:
        self._starts += 1
        if self._starts == 2:
            raise self._error


def report(what: str, **fields: object) -> None:
    print(json.dumps({"what": what, **fields}), flush=True)


async def main() -> None:
    errors = {"full_disk": OSError(errno.ENOSPC, "No space left on device"), "cursed": RuntimeError("cursed")}
    specs = []
    for argument in sys.argv[1:]:
        name, _, command = argument.partition("=")
        probe = never_ready if name == "broken" else ready_at_once
        stage = StopStage.ENGINE if name.startswith("engine") else StopStage.SERVICE
        prepare = FailingOnce(errors[name]) if name in errors else None
        specs.append(ProcessSpec(name, ("/bin/sh", "-c", command), probe, stage, prepare=prepare))
    stop = asyncio.Event()

    def changed() -> None:
        report("states", states={name: [item.status, item.pid] for name, item in supervisor.states().items()})

    supervisor = Supervisor(
        specs,
        [],
        on_line=lambda name, line: report("line", name=name, line=line),
        tell=lambda text: report("tell", text=text),
        changed=changed,
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    try:
        await supervisor.start()
        report("ready")
        waited = {asyncio.create_task(stop.wait()), asyncio.create_task(supervisor.watch())}
        done, _ = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    except StackError as error:
        report("failed", message=str(error))
        await supervisor.stop()
        return
    await supervisor.stop()
    report("stopped")


asyncio.run(main())
