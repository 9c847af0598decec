"""What `/readyz` says. No network: ASGI in process."""

import httpx

from codeqr_common.health import Readiness, admin_app


async def fine() -> None: ...


async def away() -> None:
    raise ConnectionError("refused")


async def readyz(readiness: Readiness) -> tuple[int, dict[str, object]]:
    transport = httpx.ASGITransport(admin_app(readiness))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get("/readyz")
    return answer.status_code, answer.json()


async def test_what_is_needed_and_away_is_missing() -> None:
    readiness = Readiness()
    readiness.add("postgres", away)
    readiness.add("redis", fine)
    readiness.set("consumer", ok=False, reason="not yet")
    missing = {"postgres": "ConnectionError: refused", "consumer": "not yet"}
    assert await readyz(readiness) == (503, {"status": "not ready", "missing": missing, "unavailable": {}})


async def test_what_is_only_wanted_is_told() -> None:
    readiness = Readiness()
    readiness.add("redis", away, needed=False)
    unavailable = {"redis": "ConnectionError: refused"}
    assert await readyz(readiness) == (200, {"status": "ready", "missing": {}, "unavailable": unavailable})
