"""Rate limits: a sliding window of a minute, counted in Redis, the same for all instances (contract 1.3)."""

import time
from typing import NamedTuple

from codeqr_common.logs import get_logger
from codeqr_common.metrics import Counter
from codeqr_common.redis import RedisUnavailable, Script, ScriptBatch

log = get_logger(__name__)
WINDOW_S = 60
WARN_EVERY_S = 1.0
UNCOUNTED = Counter("codeqr_rate_limit_uncounted_total", "Requests that passed because Redis could not count them.")
REFUSED = Counter("codeqr_rate_limit_refused_total", "Requests over their limit.")

TAKE = Script("""
local now = tonumber(redis.call('TIME')[1])
local window = tonumber(ARGV[2])
local head = redis.call('HMGET', KEYS[1], 'used', 'oldest')
local used, oldest = tonumber(head[1] or 0), math.min(tonumber(head[2] or now), now)
local first = now - window
if oldest < first then
  while oldest < now do
    local count = redis.call('HGET', KEYS[1], oldest)
    if count then
      if oldest >= first then break end
      used = used - count
      redis.call('HDEL', KEYS[1], oldest)
    end
    oldest = oldest + 1
  end
  redis.call('HSET', KEYS[1], 'used', used, 'oldest', oldest)
end
local allowed = 0
if used < tonumber(ARGV[1]) then
  allowed, used = 1, used + 1
  if redis.call('HINCRBY', KEYS[1], now, 1) == 1 then redis.call('EXPIRE', KEYS[1], window + 2) end
  redis.call('HSET', KEYS[1], 'used', used, 'oldest', oldest)
end
return {allowed, ARGV[1] - used, oldest + window + 1, now}
""")
"""Requests are counted by the second, so no 60 s ever hold more than the limit. A refused request is not counted.

`used` is the sum of the seconds that are kept and `oldest` the first of them: a call reads these two instead of sixty.
"""


class Taken(NamedTuple):
    """What a request was told. `reset`: epoch seconds at which the oldest counted request leaves the window."""

    allowed: bool
    limit: int
    remaining: int
    reset: int
    retry_after: int
    """Seconds."""


class RateLimiter:
    """Counts requests per subject, e.g. a key's id. Fails open."""

    def __init__(self, batch: ScriptBatch) -> None:
        self._batch = batch
        self._next_warning = 0.0

    async def take(self, subject: str, limit: int) -> Taken:
        """Count one request of `subject` against `limit` a minute. With Redis away it passes, logged and counted."""
        try:
            allowed, remaining, reset, now = await self._batch.evaluate(TAKE, f"rate:{subject}", limit, WINDOW_S)
        except RedisUnavailable as error:
            UNCOUNTED.inc()
            self._warn(error)
            return Taken(True, limit, limit, int(time.time()) + WINDOW_S, WINDOW_S)
        if not allowed:
            REFUSED.inc()
        return Taken(bool(allowed), limit, max(remaining, 0), reset, max(reset - now, 1))

    def _warn(self, error: RedisUnavailable) -> None:
        """Once a second: every request of an outage comes here."""
        if time.monotonic() >= self._next_warning:
            self._next_warning = time.monotonic() + WARN_EVERY_S
            log.warning("rate limits not counted", error=str(error))
