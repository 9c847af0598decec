"""Pictures of QR codes: who may ask, what is known already, what has to be drawn."""

import asyncio
import hashlib
import time
from collections.abc import Sequence
from ipaddress import ip_address, ip_network

import msgspec

from codeqr_common import errors
from codeqr_common.auth.gate import over_limit
from codeqr_common.http.client_address import Network, client_address
from codeqr_common.metrics import Counter, Histogram
from link_api.qr.cache import FileCache
from link_api.qr.draw import Refused
from link_api.qr.drawing import RENDERER, Drawing
from link_api.qr.limits import Limiter
from link_api.qr.pool import Busy, DrawingPool, TooSlow, WorkerDied

RETRY_AFTER_S = 1
IPV6_CLIENT_BITS = 64
"""What one customer of a provider has at least: to limit single addresses of it would limit nobody."""

FILES = Counter("codeqr_link_api_qr_files_total", "QR code files by where they came from.", ("source",))
SECONDS = Histogram("codeqr_link_api_qr_drawing_seconds", "From the order to the file, waiting included.", ("format",))


class Pictures:
    """QR codes as files. One per process.

    `limit`: requests a minute and client; 0 is no limit. `trusted`: proxies whose `X-Forwarded-For` is believed.
    """

    def __init__(
        self, pool: DrawingPool, limiter: Limiter, *, limit: int, trusted: Sequence[Network], cache_bytes: int
    ) -> None:
        self._pool = pool
        self._limiter = limiter
        self._limit = limit
        self._trusted = trusted
        self._cache = FileCache(cache_bytes)
        self._under_way: dict[str, asyncio.Task[bytes]] = {}

    async def admit(self, peer: str, forwarded_for: Sequence[str]) -> None:
        """Count a request of a client. Raises 429."""
        if not self._limit:
            return
        address = client_address(peer, forwarded_for, self._trusted)
        taken = await self._limiter.take(f"qr:{_client(address)}", self._limit)
        if not taken.allowed:
            raise over_limit(taken)

    async def file(self, drawing: Drawing) -> bytes:
        """The picture. Raises 422 for what cannot be drawn, 503 while too many wait or drawing does not work."""
        name = etag(drawing)
        if kept := self._cache.get(name):
            FILES.labels("cache").inc()
            return kept
        task = self._under_way.get(name)
        if task is None:
            task = self._under_way[name] = asyncio.create_task(self._draw(name, drawing))
            task.add_done_callback(lambda _: self._under_way.pop(name))
        # Whoever asked first may go away; the others still wait.
        return await asyncio.shield(task)

    async def aclose(self) -> None:
        """End the drawing processes."""
        await self._pool.aclose()

    async def _draw(self, name: str, drawing: Drawing) -> bytes:
        started = time.perf_counter()
        try:
            file = await self._pool.draw(drawing)
        except Refused as refusal:
            raise errors.unprocessable_entity(str(refusal)) from None
        except (Busy, TooSlow, WorkerDied) as trouble:
            FILES.labels("none").inc()
            raise errors.service_unavailable("This picture cannot be drawn at the moment.", RETRY_AFTER_S) from trouble
        SECONDS.labels(drawing.format).observe(time.perf_counter() - started)
        FILES.labels("drawn").inc()
        self._cache.put(name, file)
        return file


def etag(drawing: Drawing) -> str:
    """The entity tag of its file, quotes included."""
    digest = hashlib.sha256(b"%d %b" % (RENDERER, msgspec.json.encode(drawing))).hexdigest()
    return f'"{digest[:32]}"'


def _client(address: str) -> str:
    if ":" not in address:
        return address
    return str(ip_network((ip_address(address), IPV6_CLIENT_BITS), strict=False))
