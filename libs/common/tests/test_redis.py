"""Script calls that travel together, with a real server that is restarted, stalled and killed."""

import asyncio
import time
from typing import Any

import pytest
from redis.asyncio import Redis

from codeqr_common import redis as module
from codeqr_common.redis import Breaker, RedisUnavailable, Script, ScriptBatch

COUNT = Script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
ECHO = Script("return ARGV[1]")
BROKEN = Script("return redis.call('HGET', KEYS[1], 'field')")
TIMEOUT_S = 0.25


async def outcome(batch: ScriptBatch) -> tuple[str, float]:
    """What a call came to, and its seconds."""
    began = time.monotonic()
    try:
        await batch.evaluate(ECHO, "key", "x")
    except RedisUnavailable:
        return "unavailable", time.monotonic() - began
    return "answered", time.monotonic() - began


async def test_calls_of_one_turn_are_one_round_trip_and_answered_in_order(redis: Redis) -> None:
    batch = ScriptBatch(redis)
    await batch.evaluate(ECHO, "key", "warm")
    before = (await redis.info("stats"))["total_reads_processed"]
    answers = await asyncio.gather(*(batch.evaluate(ECHO, "key", str(number)) for number in range(100)))
    reads = (await redis.info("stats"))["total_reads_processed"] - before
    assert answers == [str(number).encode() for number in range(100)]
    assert reads == 2  # the pipeline, and this question


async def test_a_restarted_server_is_given_the_scripts_again(redis: Redis, redis_server: Any) -> None:
    batch = ScriptBatch(redis)
    assert await batch.evaluate(COUNT, "n", 5) == 5
    redis_server.kill()
    redis_server.start()
    calls = [(COUNT, "n", (1,)), (ECHO, "n", ("a",)), (COUNT, "n", (1,))]
    assert await batch.evaluate_all(calls) == [1, b"a", 2]


async def test_only_scripts_that_are_missing_run_again(redis: Redis) -> None:
    batch = ScriptBatch(redis)
    await redis.script_load(COUNT.text)
    assert await batch.evaluate_all([(COUNT, "n", (1,)), (ECHO, "n", ("a",))]) == [1, b"a"]
    assert await redis.get("n") == b"1"


async def test_a_failing_script_is_its_own_callers_failure(redis: Redis) -> None:
    await redis.set("text", "x")
    batch = ScriptBatch(redis)
    found = await asyncio.gather(
        batch.evaluate(BROKEN, "text"), batch.evaluate(ECHO, "text", "fine"), return_exceptions=True
    )
    assert isinstance(found[0], RedisUnavailable)
    assert found[1] == b"fine"
    assert (await outcome(batch))[0] == "answered"


async def test_a_caller_who_goes_does_not_disturb_the_others(redis: Redis) -> None:
    batch = ScriptBatch(redis)
    going = asyncio.ensure_future(batch.evaluate(ECHO, "key", "gone"))
    staying = asyncio.ensure_future(batch.evaluate(ECHO, "key", "here"))
    await asyncio.sleep(0)
    going.cancel()
    assert await staying == b"here"


async def test_a_stalled_server_costs_a_caller_its_timeout_once(redis: Redis, redis_server: Any) -> None:
    batch = ScriptBatch(redis)
    assert (await outcome(batch))[0] == "answered"
    with redis_server.stalled():
        first, seconds = await outcome(batch)
        assert first == "unavailable"
        assert seconds < 2 * TIMEOUT_S
        for _ in range(50):
            again, seconds = await outcome(batch)
            assert again == "unavailable"
            assert seconds < 0.1
        await until_tried(batch)
        pairs = await asyncio.gather(*(outcome(batch) for _ in range(20)))
        assert {one for one, _ in pairs} == {"unavailable"}
        assert sum(seconds > 0.1 for _, seconds in pairs) <= 1, "one finds out for all"
    await until_answered(batch)


async def test_a_killed_server_is_found_again(redis: Redis, redis_server: Any) -> None:
    batch = ScriptBatch(redis)
    assert (await outcome(batch))[0] == "answered"
    redis_server.kill()
    assert (await outcome(batch))[0] == "unavailable"
    redis_server.start()
    await until_answered(batch)


def test_after_a_failure_one_caller_in_a_while_finds_out(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    breaker = Breaker(away_s=0.5)
    assert all(breaker.may_try() for _ in range(3))
    breaker.failed()
    assert not breaker.may_try()
    now[0] += 0.5
    assert [breaker.may_try() for _ in range(3)] == [True, False, False]
    now[0] += 0.5
    assert [breaker.may_try() for _ in range(3)] == [True, False, False], "who tried has gone: another does"
    breaker.succeeded()
    assert all(breaker.may_try() for _ in range(3))


async def until_tried(batch: ScriptBatch) -> None:
    """Wait until the breaker lets somebody try again."""
    deadline = time.monotonic() + 5
    while time.monotonic() < (batch._breaker._away_until or 0.0):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def until_answered(batch: ScriptBatch) -> None:
    deadline = time.monotonic() + 5
    while (await outcome(batch))[0] != "answered":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
