"""A quiet topic whose log was deleted behind the last click: nothing is lost, so nobody may stop."""

import asyncio
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from codeqr_common.kafka.topics import CLICK_DISPATCHER, CLICK_EVENTS, COUNTERS, INGEST

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
GROUPS = (COUNTERS, INGEST, CLICK_DISPATCHER)


async def ends(bootstrap: str) -> dict[TopicPartition, int]:
    """The end of each partition's log, behind the transactions' markers."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        partitions = sorted(TopicPartition(CLICK_EVENTS, number) for number in range(4))
        found: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
        return found
    finally:
        await consumer.stop()


async def all_caught_up(bootstrap: str) -> bool:
    """Whether every group stands at the very end of every partition."""
    end = await ends(bootstrap)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        for group in GROUPS:
            stands = await admin.list_consumer_group_offsets(group, partitions=list(end))
            if any(stands[partition].offset not in (end[partition], -1) for partition in end if end[partition]):
                return False
        return True
    finally:
        await admin.close()


async def delete_all_records(bootstrap: str) -> None:
    """What retention does to a topic in which nothing has happened for long."""
    end = await ends(bootstrap)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_records({at: RecordsToDelete(before_offset=offset) for at, offset in end.items() if offset})
    finally:
        await admin.close()


def test_consumers_go_on_after_retention_has_emptied_the_log(stack: Any) -> None:
    project = stack.new_project("quiet")
    link = project.api.post("/links", json={"url": "https://example.com/"}).raise_for_status().json()

    def visit() -> None:
        host = {"Host": stack.short_domain, "User-Agent": BROWSER}
        assert httpx.get(f"{stack.short_url}/{link['key']}", headers=host).status_code == 302

    def clicks() -> int:
        return int(project.api.get("/links/info", params={"linkId": link["id"]}).json()["clicks"])

    for _ in range(8):
        visit()
    stack.wait_until(lambda: clicks() == 8, 20)
    stack.wait_until(lambda: asyncio.run(all_caught_up(stack.kafka_bootstrap)), 20)
    asyncio.run(delete_all_records(stack.kafka_bootstrap))

    for _ in range(8):
        visit()
    stack.wait_until(lambda: clicks() == 16, 20)
    stack.wait_until(lambda: len(list(stack.clicks(project.slug))) == 16, 20)
