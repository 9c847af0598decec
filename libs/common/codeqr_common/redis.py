"""The Redis client: short socket timeouts, and no call is ever cancelled in flight.

Cancelling redis-py in the middle of a call leaves its answer in the connection, for the next caller to read; so
limits are the socket's, not `asyncio.wait_for`'s.
"""

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff


def connect(url: str, *, timeout_s: float = 0.25) -> Redis:
    """A client with its own pool. A call fails with `redis.exceptions.RedisError` at the latest after `timeout_s`."""
    client: Redis = Redis.from_url(
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        health_check_interval=0,
        retry=Retry(NoBackoff(), 1),
        decode_responses=False,
    )
    return client
