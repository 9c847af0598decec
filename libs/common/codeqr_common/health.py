"""Health: `/healthz` (alive), `/readyz` (and what is missing, if not) and `/metrics`, on the admin port only."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Check = Callable[[], Awaitable[None]]
CHECK_LIMIT_S = 2.0


class Readiness:
    """What this process needs before it can take work. A check that raises, or a state set to false, is missing.

    What it uses but can do without is wanted: its absence is told, and the process is ready all the same.
    """

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self._wanted: dict[str, Check] = {}
        self._states: dict[str, str | None] = {}

    def add(self, name: str, check: Check, *, needed: bool = True) -> None:
        """Run `check` at each question; it raises when the thing is not there."""
        (self._checks if needed else self._wanted)[name] = check

    def set(self, name: str, ok: bool, reason: str = "not yet") -> None:
        """Note a state that the process itself knows, such as a consumer that has its position."""
        self._states[name] = None if ok else reason

    async def missing(self) -> dict[str, str]:
        """Name → reason of all that is missing; empty when ready."""
        return await _reasons(self._checks) | {name: why for name, why in self._states.items() if why is not None}

    async def unavailable(self) -> dict[str, str]:
        """Name → reason of what is wanted and not there."""
        return await _reasons(self._wanted)


async def _reasons(checks: Mapping[str, Check]) -> dict[str, str]:
    reasons = await asyncio.gather(*(_reason(check) for check in checks.values()))
    return {name: reason for name, reason in zip(checks, reasons, strict=True) if reason is not None}


async def _reason(check: Check) -> str | None:
    try:
        async with asyncio.timeout(CHECK_LIMIT_S):
            await check()
    except TimeoutError:
        return f"no answer within {CHECK_LIMIT_S:g} s"
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]
    return None


def admin_app(readiness: Readiness) -> Starlette:
    """The application of the admin listener."""

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_request: Request) -> Response:
        missing, unavailable = await asyncio.gather(readiness.missing(), readiness.unavailable())
        status = "ready" if not missing else "not ready"
        body = {"status": status, "missing": missing, "unavailable": unavailable}
        return JSONResponse(body, status_code=503 if missing else 200)

    async def metrics(_request: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)],
    )
