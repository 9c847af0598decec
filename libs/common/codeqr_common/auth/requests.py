"""The dependencies that guard routes: `Depends(require("links.read"))`, `Depends(writing("links.write"))`."""

from dataclasses import dataclass

from fastapi import Request

from codeqr_common.auth.gate import Gate
from codeqr_common.auth.keys import KeyIdentity
from codeqr_common.http.calls import WriteCall, write_call


def gate_of(request: Request) -> Gate:
    gate: Gate = request.app.state.gate
    return gate


@dataclass(frozen=True)
class Guard:
    """What stands before a route. `scope`: what the key must be allowed to do; None for any secret key."""

    scope: str | None

    async def admit(self, request: Request) -> KeyIdentity:
        """The caller's identity, or what `Gate.admit` raises."""
        return await gate_of(request).admit(request, self.scope)


class Reading(Guard):
    """A guard whose route gets the caller's identity."""

    async def __call__(self, request: Request) -> KeyIdentity:
        return await self.admit(request)


class Writing(Guard):
    """A guard whose route gets the whole call."""

    async def __call__(self, request: Request) -> WriteCall:
        return await write_call(request, await self.admit(request))


def require(scope: str | None) -> Reading:
    """A dependency that gives the caller's identity, or answers as `Gate.admit` says."""
    return Reading(scope)


def writing(scope: str) -> Writing:
    """A dependency like `require` for routes that change something: gives the whole `WriteCall`."""
    return Writing(scope)
