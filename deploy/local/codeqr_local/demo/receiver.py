"""A webhook receiver on loopback, as a customer would run one."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from codeqr_local.demo.tally import Tally


class Receiver:
    """Answers 204 to a callback whose signatures hold and 401 to any other.

    The secret is known only once the webhook exists, so a callback that comes before it waits.
    """

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._secret: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.url = ""

    def trust(self, secret: str) -> None:
        """From now on callbacks are checked with this secret."""
        self._secret.set_result(secret)

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[None]:
        """Listens on a free port of 127.0.0.1 until the block ends; `url` says where."""
        app = web.Application()
        app.router.add_post("/callbacks", self._callback)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            listening = socket.create_server(("127.0.0.1", 0), backlog=512)  # the runner closes it
            self.url = f"http://127.0.0.1:{listening.getsockname()[1]}/callbacks"
            await web.SockSite(runner, listening).start()
            yield
        finally:
            await runner.cleanup()

    async def _callback(self, request: web.Request) -> web.Response:
        body = await request.read()
        secret = await self._secret
        headers = {name.lower(): value for name, value in request.headers.items()}
        good = self._tally.take(secret, headers, body, json.loads(body))
        return web.Response(status=204 if good else 401)
