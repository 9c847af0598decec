"""The internal listener: nothing is answered without the service token, whatever class of route it is."""

from typing import Any

import httpx
from fastapi.routing import APIRoute
from pydantic import SecretStr

from codeqr_common.http.internal import internal_app
from link_api.app import INTERNAL_ROUTERS


async def test_every_route_asks_for_the_token() -> None:
    app = internal_app("internal", SecretStr("right"), INTERNAL_ROUTERS)
    routes: list[Any] = [route for router in INTERNAL_ROUTERS for route in router.routes]
    assert routes
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        for route in routes:
            assert isinstance(route, APIRoute)
            for method in route.methods or ():
                path = route.path.replace("{slug}", "x")
                for headers in ({}, {"Authorization": "Internal wrong"}, {"Authorization": "Bearer right"}):
                    answer = await client.request(method, path, headers=headers)
                    assert answer.status_code == 401, (method, path)
