"""The register in Redis, written as well as it can be: Redis being away is logged and counted, never raised."""

from codeqr_common.logs import get_logger
from codeqr_common.metrics import Counter
from codeqr_common.redis import RedisUnavailable
from codeqr_common.short_links import Register
from link_api.outbox.entries import RegisterEntries

log = get_logger(__name__)
FAILURES = Counter("codeqr_link_api_register_failures_total", "Writes to the register that Redis did not take.")


class WriteThrough:
    """Best-effort writes to the register. They cannot bring an older answer back: the register checks versions."""

    def __init__(self, register: Register) -> None:
        self._register = register

    async def put(self, entries: RegisterEntries) -> bool:
        """Whether Redis took the entries. Returns at the latest after the client's socket timeouts."""
        try:
            await self._register.put(entries.links, entries.domains)
        except RedisUnavailable as error:
            FAILURES.inc()
            log.warning("register not written", error=str(error))
            return False
        return True
