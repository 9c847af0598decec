"""What this feature needs of the rate limiter."""

from typing import Protocol

from codeqr_common.auth.limits import Taken


class Limiter(Protocol):
    """Counts requests of the last minute, for all instances."""

    async def take(self, subject: str, limit: int) -> Taken: ...
