"""Rate limits: the same minute for everybody, exact under concurrency, and open when Redis is away."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from codeqr_common.auth.limits import TAKE, WINDOW_S, RateLimiter
from codeqr_common.redis import Script, ScriptBatch

TAKE_AT = Script(TAKE.text.replace("redis.call('TIME')[1]", "ARGV[3]"))
"""The script with a clock of the test's own."""


def uncounted() -> float:
    return REGISTRY.get_sample_value("codeqr_rate_limit_uncounted_total") or 0.0


async def test_two_instances_let_exactly_the_limit_through(connected: Callable[[], Redis]) -> None:
    limiters = [RateLimiter(ScriptBatch(connected())) for _ in range(2)]
    taken = await asyncio.gather(*(limiters[number % 2].take("tok_1", 100) for number in range(300)))
    assert sum(one.allowed for one in taken) == 100
    assert sorted(one.remaining for one in taken if one.allowed) == list(range(100))
    assert {one.remaining for one in taken if not one.allowed} == {0}


async def test_what_a_request_is_told(redis: Redis) -> None:
    limiter = RateLimiter(ScriptBatch(redis))
    first = await limiter.take("tok_1", 2)
    assert (first.allowed, first.limit, first.remaining) == (True, 2, 1)
    assert 0 <= first.reset - time.time() <= WINDOW_S + 1
    await limiter.take("tok_1", 2)
    refused = await limiter.take("tok_1", 2)
    assert (refused.allowed, refused.remaining) == (False, 0)
    assert 1 <= refused.retry_after <= WINDOW_S + 1
    assert (await limiter.take("tok_2", 2)).allowed, "another subject has a limit of its own"


async def test_a_lowered_limit_holds_at_once(redis: Redis) -> None:
    limiter = RateLimiter(ScriptBatch(redis))
    for _ in range(5):
        await limiter.take("tok_1", 10)
    lowered = await limiter.take("tok_1", 3)
    assert (lowered.allowed, lowered.limit, lowered.remaining) == (False, 3, 0)


async def test_nothing_is_left_of_a_subject_that_is_quiet(redis: Redis) -> None:
    await RateLimiter(ScriptBatch(redis)).take("tok_1", 10)
    assert WINDOW_S < await redis.ttl("rate:tok_1") <= WINDOW_S + 2


class Model:
    """The rule, said simply: a second's requests count in it and in the 60 after it."""

    def __init__(self) -> None:
        self.passed: list[int] = []

    def take(self, now: int, limit: int) -> list[int]:
        self.passed = [at for at in self.passed if at >= now - WINDOW_S]
        allowed = len(self.passed) < limit
        if allowed:
            self.passed.append(now)
        oldest = self.passed[0] if self.passed else now
        return [int(allowed), limit - len(self.passed), oldest + WINDOW_S + 1, now]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from((0, 0, 0, 1, 2, 7, 30, 59, 60, 61)), st.integers(1, 6)), max_size=60))
async def test_the_script_follows_the_rule(redis: Redis, arrivals: list[tuple[int, int]]) -> None:
    batch, model, now = ScriptBatch(redis), Model(), int(time.time())
    await redis.delete("rate:model")
    for seconds, limit in arrivals:
        now += seconds
        answer = await batch.evaluate(TAKE_AT, "rate:model", limit, WINDOW_S, now)
        assert answer == model.take(now, limit)


async def test_without_redis_requests_pass_and_are_counted_as_such(redis: Redis, redis_server: Any) -> None:
    limiter = RateLimiter(ScriptBatch(redis))
    await limiter.take("tok_1", 1)
    redis_server.kill()
    before = uncounted()
    passed = [await limiter.take("tok_1", 1) for _ in range(3)]
    assert [(one.allowed, one.remaining) for one in passed] == [(True, 1)] * 3
    assert uncounted() - before == 3
