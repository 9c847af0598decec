"""The topics, their consumers, and the command that makes them: `python -m codeqr_common.kafka.topics`."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka.admin import NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from codeqr_common.kafka.admin import admin_client

LINK_EVENTS = "link.events"
CLICK_EVENTS = "click.events"
CONVERSION_EVENTS = "conversion.events"
SPOOL_POSITIONS = "spool.positions"
"""Holds no records: offsets committed for it are spools' positions (partition 0) and probes of these (1)."""

COUNTERS = "counters"
INGEST = "ingest"
LINK_DISPATCHER = "link-dispatcher"
CLICK_DISPATCHER = "click-dispatcher"
PROJECT_DELETIONS = "project-deletions"
CONSUMERS = (COUNTERS, INGEST, LINK_DISPATCHER, CLICK_DISPATCHER, PROJECT_DELETIONS)
"""The consumers with a group; a consumer's name is its group's."""

WEEK_MS = 7 * 24 * 3600 * 1000


def dead_letters(consumer: str) -> str:
    """The topic for what `consumer` could not parse."""
    return f"{consumer}.dead-letters"


@dataclass(frozen=True)
class Topic:
    name: str
    partitions: int
    retention_ms: int = WEEK_MS


TOPICS: tuple[Topic, ...] = (
    Topic(LINK_EVENTS, 4),
    Topic(CLICK_EVENTS, 4),
    Topic(CONVERSION_EVENTS, 4),
    Topic(SPOOL_POSITIONS, 2),
    *(Topic(dead_letters(consumer), 1, 4 * WEEK_MS) for consumer in CONSUMERS),
)


async def ensure_topics(bootstrap: str, *, replication_factor: int = 1, topics: Sequence[Topic] = TOPICS) -> None:
    """Make those that are missing. Existing ones are left as they are. Raises `KafkaError`."""
    async with admin_client(bootstrap) as admin:
        present = set(await admin.list_topics())
        missing = [topic for topic in topics if topic.name not in present]
        if not missing:
            return
        answer = await admin.create_topics(
            [
                NewTopic(
                    name=topic.name,
                    num_partitions=topic.partitions,
                    replication_factor=replication_factor,
                    topic_configs={"retention.ms": str(topic.retention_ms)},
                )
                for topic in missing
            ]
        )
        for error in answer.topic_errors:
            kind = for_code(error[1])
            if error[1] and kind is not TopicAlreadyExistsError:
                raise kind(f"{error[0]}: {error[2]}")


def main() -> None:
    from codeqr_common import logs
    from codeqr_common.kafka.settings import TopicSettings

    settings = TopicSettings()
    logs.configure("topics", settings)
    asyncio.run(ensure_topics(settings.kafka_bootstrap, replication_factor=settings.kafka_replication_factor))
    logs.get_logger(__name__).info("topics are there", topics=[topic.name for topic in TOPICS])


if __name__ == "__main__":
    main()
