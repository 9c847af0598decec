"""Short-lived admin clients, and what is asked of them."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

LIMIT_S = 15.0
CLOSE_LIMIT_S = 3.0


@asynccontextmanager
async def admin_client(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client for the block, which must end within 15 s (`TimeoutError`). Raises `KafkaError` as it comes."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=10_000)
    try:
        async with asyncio.timeout(LIMIT_S):
            await admin.start()
            yield admin
    finally:
        with suppress(Exception):
            await asyncio.wait_for(admin.close(), CLOSE_LIMIT_S)


async def cluster_id(bootstrap: str) -> str:
    """The id of the Kafka cluster."""
    async with admin_client(bootstrap) as admin:
        described = await admin.describe_cluster()
    found = described.get("cluster_id")
    if not found:
        raise KafkaError("the cluster did not tell its id")
    return str(found)


async def committed(
    bootstrap: str, group: str, partitions: Collection[TopicPartition]
) -> dict[TopicPartition, OffsetAndMetadata | None]:
    """The group's committed offsets with their metadata; None where nothing was ever committed.

    The consumer's own `committed()` drops the metadata. The admin client leaves partitions out when the coordinator
    answers with an error (still loading, moved): that must not be taken for "nothing was committed", so it raises.
    """
    async with admin_client(bootstrap) as admin:
        found = await admin.list_consumer_group_offsets(group, partitions=list(partitions))
    absent = [partition for partition in partitions if partition not in found]
    if absent:
        raise KafkaError(f"the coordinator of {group} did not answer for {absent}")
    return {partition: found[partition] if found[partition].offset >= 0 else None for partition in partitions}
