"""Supervises shell commands given as NAME=COMMAND; tells what happens as JSON lines; stops at SIGTERM.

A command named `broken` is never ready.
"""

import asyncio
import json
import signal
import sys

from codeqr_local.errors import StackError
from codeqr_local.process import ProcessSpec, StopStage
from codeqr_local.readiness import NotReady
from codeqr_local.supervisor import Supervisor


async def ready_at_once() -> None:
    return


async def never_ready() -> None:
    raise NotReady("not yet")


def report(what: str, **fields: object) -> None:
    print(json.dumps({"what": what, **fields}), flush=True)


async def main() -> None:
    specs = []
    for argument in sys.argv[1:]:
        name, _, command = argument.partition("=")
        probe = never_ready if name == "broken" else ready_at_once
        stage = StopStage.ENGINE if name.startswith("engine") else StopStage.SERVICE
        specs.append(ProcessSpec(name, ("/bin/sh", "-c", command), probe, stage))
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
    except StackError as error:
        report("failed", message=str(error))
        await supervisor.stop()
        return
    report("ready")
    await stop.wait()
    await supervisor.stop()
    report("stopped")


asyncio.run(main())
