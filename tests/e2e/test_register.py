"""Redis refuses writes while a link goes, and keeps its old entry: that must not be served for long."""

import asyncio
from typing import Any

import redis
from aiokafka import AIOKafkaConsumer


def test_what_redis_did_not_take_is_put_later(stack: Any) -> None:
    project = stack.new_project("refused")
    link = project.api.post("/links", json={"url": "https://example.com/old"}).raise_for_status().json()
    name = f"link:{link['domain']}/{link['key']}"
    server: Any = redis.Redis.from_url(stack.redis_url)
    stack.wait_until(lambda: b"example.com/old" in (server.get(name) or b""), 10)

    server.config_set("maxmemory", 1)
    try:
        project.api.delete(f"/links/{link['id']}").raise_for_status()
        stack.wait_until(lambda: b'"link.deleted"' in last_event(stack, link["id"]), 10)
        assert b"example.com/old" in server.get(name)
    finally:
        server.config_set("maxmemory", 0)

    stack.wait_until(lambda: b"example.com/old" not in (server.get(name) or b""), 10)


def last_event(stack: Any, link_id: str) -> bytes:
    """The newest value in `link.events` under this link's key."""

    async def read() -> bytes:
        consumer = AIOKafkaConsumer(
            "link.events", bootstrap_servers=stack.kafka_bootstrap, auto_offset_reset="earliest"
        )
        await consumer.start()
        found = b""
        try:
            while batch := await consumer.getmany(timeout_ms=1000):
                found = next(
                    (row.value for rows in batch.values() for row in reversed(rows) if row.key == link_id.encode()),
                    found,
                )
            return found
        finally:
            await consumer.stop()

    return asyncio.run(read())
