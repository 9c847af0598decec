"""Events become deliveries, in the same transaction in which the consumers' positions move.

Link events and clicks have a consumer each, so that clicks that wait for link-api, or come in great numbers, do not
hold link events back.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka import ConsumerRecord
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from codeqr_common import tracing
from codeqr_common.events.clicks import ClickEvent, decode_click
from codeqr_common.events.links import DomainEvent, LinkEvent, ProjectEvent, decode_event
from codeqr_common.health import Readiness
from codeqr_common.kafka.dead_letters import DeadLetters
from codeqr_common.kafka.producers import Publisher
from codeqr_common.kafka.stored_offsets import StoredOffsetsConsumer
from codeqr_common.kafka.topics import CLICK_DISPATCHER, CLICK_EVENTS, LINK_DISPATCHER, LINK_EVENTS
from webhooks import metrics, tables
from webhooks.dispatch import repository
from webhooks.dispatch.links import LinkSource
from webhooks.dispatch.matching import Subscription, wants
from webhooks.dispatch.patience import DeletionNews
from webhooks.dispatch.payloads import LINK_CLICKED, Event, from_click, from_link_event
from webhooks.dispatch.repository import Wanted
from webhooks.projects import repository as projects

BATCH = 500
AnyEvent = LinkEvent | DomainEvent | ProjectEvent


@dataclass(frozen=True)
class LinkBatch:
    wanted: list[Wanted]
    deletions: list[LinkEvent]
    deleted_projects: list[str]


class LinkIntake:
    """`link.created`, `link.updated` and `link.deleted`. Events of bulk calls make no deliveries (contract 2.5).

    `project.deleted` is noted, and `ProjectRemoval` does the rest.
    """

    def __init__(self, engine: AsyncEngine, deletions: DeletionNews) -> None:
        self._engine = engine
        self._deletions = deletions

    async def prepare(self, records: Sequence[tuple[ConsumerRecord, AnyEvent]]) -> LinkBatch:
        happened = [(record, event) for record, event in records if isinstance(event, LinkEvent)]
        deletions = [event for _, event in happened if event.type == "link.deleted"]
        for _, event in happened:
            self._deletions.took(event.time)
        candidates = [from_link_event(event, _traceparent(record)) for record, event in happened if not event.bulk]
        gone = [event.project_id for _, event in records if isinstance(event, ProjectEvent)]
        return LinkBatch(await _wanted(self._engine, candidates), deletions, gone)

    async def apply(self, connection: AsyncConnection, batch: LinkBatch) -> None:
        await projects.note(connection, batch.deleted_projects)
        await repository.keep_copies(connection, batch.deletions)
        await repository.store(connection, batch.wanted)
        _count(batch.wanted)


class ClickIntake:
    """`link.clicked`, for clicks that count: those of bots make no deliveries, as they are left out of every count."""

    def __init__(self, engine: AsyncEngine, links: LinkSource, dead_letters: DeadLetters) -> None:
        self._engine = engine
        self._links = links
        self._dead_letters = dead_letters

    async def prepare(self, records: Sequence[tuple[ConsumerRecord, ClickEvent]]) -> list[Wanted]:
        clicks = [(record, click) for record, click in records if not click.bot]
        since = await self._since({click.project_id for _, click in clicks})
        clicks = [
            (record, click) for record, click in clicks if click.time >= since.get(click.project_id, click.time + 1)
        ]
        links = await self._links.find({click.link_id for _, click in clicks})
        events: list[Event] = []
        unknown: list[tuple[ConsumerRecord, ClickEvent]] = []
        for record, click in clicks:
            if link := links.get(click.link_id):
                events.append(from_click(click, link, _traceparent(record)))
            else:
                unknown.append((record, click))
        await self._give_up(unknown)
        return await _wanted(self._engine, events)

    async def apply(self, connection: AsyncConnection, wanted: list[Wanted]) -> None:
        await repository.store(connection, wanted)
        _count(wanted)

    async def _give_up(self, clicks: Sequence[tuple[ConsumerRecord, ClickEvent]]) -> None:
        """Put aside what is wanted and cannot be delivered. Its project may have been deleted in the meantime."""
        wanted = await self._since({click.project_id for _, click in clicks})
        for record, click in clicks:
            if click.project_id in wanted:
                await self._dead_letters.send(record, f"nobody knows link {click.link_id}")

    async def _since(self, project_ids: set[str]) -> dict[str, int]:
        """Project id → when the first of its endpoints for clicks was made: earlier clicks need no link."""
        found: dict[str, int] = {}
        for each in await _subscriptions(self._engine, project_ids, {LINK_CLICKED}):
            found[each.project_id] = min(each.since, found.get(each.project_id, each.since))
        return found


async def _wanted(engine: AsyncEngine, events: Sequence[Event]) -> list[Wanted]:
    """Those of `events` that some endpoint wants."""
    projects = {event.project_id for event in events}
    found: dict[str, list[Subscription]] = {}
    for each in await _subscriptions(engine, projects, {event.trigger for event in events}):
        found.setdefault(each.project_id, []).append(each)
    wanted = [Wanted(event, _endpoint_ids(event, found.get(event.project_id, []))) for event in events]
    return [each for each in wanted if each.endpoint_ids]


def _endpoint_ids(event: Event, subscriptions: Sequence[Subscription]) -> tuple[str, ...]:
    return tuple(
        each.endpoint_id
        for each in subscriptions
        if wants(
            each,
            trigger=event.trigger,
            project_id=event.project_id,
            time=event.time,
            link_id=event.link_id,
            webhook_ids=event.webhook_ids,
        )
    )


async def _subscriptions(engine: AsyncEngine, project_ids: set[str], triggers: set[str]) -> list[Subscription]:
    if not project_ids:
        return []
    async with engine.connect() as connection:
        return await repository.subscriptions(connection, project_ids, triggers)


def _traceparent(record: ConsumerRecord) -> str | None:
    return tracing.carrier_of(record.headers).get("traceparent")


def _count(wanted: Sequence[Wanted]) -> None:
    for each in wanted:
        metrics.DELIVERIES_CREATED.labels(each.event.trigger).inc(len(each.endpoint_ids))


async def run_link_intake(
    bootstrap: str, engine: AsyncEngine, deletions: DeletionNews, readiness: Readiness, stop: asyncio.Event
) -> None:
    """Consume link events until `stop` is set."""
    intake = LinkIntake(engine, deletions)
    consumer: StoredOffsetsConsumer[AnyEvent, LinkBatch] = StoredOffsetsConsumer(
        bootstrap=bootstrap,
        consumer=LINK_DISPATCHER,
        topics=[LINK_EVENTS],
        decode=decode_event,
        engine=engine,
        offsets=tables.offsets,
        prepare=intake.prepare,
        apply=intake.apply,
        readiness=readiness,
        max_records=BATCH,
    )
    await consumer.run(stop)


async def run_click_intake(
    bootstrap: str, engine: AsyncEngine, links: LinkSource, readiness: Readiness, stop: asyncio.Event
) -> None:
    """Consume clicks until `stop` is set."""
    async with Publisher(bootstrap) as publisher:
        intake = ClickIntake(engine, links, DeadLetters(publisher, CLICK_DISPATCHER))
        await StoredOffsetsConsumer(
            bootstrap=bootstrap,
            consumer=CLICK_DISPATCHER,
            topics=[CLICK_EVENTS],
            decode=decode_click,
            engine=engine,
            offsets=tables.offsets,
            prepare=intake.prepare,
            apply=intake.apply,
            readiness=readiness,
            max_records=BATCH,
        ).run(stop)
