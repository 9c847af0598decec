"""How long clicks wait for links that nobody knows."""

import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from codeqr_common.events.links import decode_link_event
from codeqr_common.health import Readiness
from codeqr_common.kafka.stored_offsets import StoredOffsetsConsumer
from codeqr_common.kafka.topics import LINK_DISPATCHER, LINK_EVENTS
from codeqr_common.times import now_ms
from webhooks import tables
from webhooks.dispatch.intake import LinkIntake
from webhooks.dispatch.patience import LATE_EVENT_MS, DeletionNews, patience_is_over


@pytest.mark.parametrize(
    ("now", "late_at", "over"),
    [
        (129.0, None, False),
        (131.0, None, True),
        (131.0, 20.0, True),
        (131.0, 110.0, False),
        (141.0, 110.0, True),
        (699.0, 699.0, False),
        (701.0, 701.0, True),
    ],
)
def test_half_a_minute_once_deletions_arrive_in_time_and_ten_minutes_in_all(
    now: float, late_at: float | None, over: bool
) -> None:
    assert patience_is_over(now, 100.0, late_at) is over


async def test_an_old_event_shows_that_deletions_are_late() -> None:
    news = DeletionNews(Readiness())
    news.took(now_ms())
    assert await news.late_at() is None
    news.took(now_ms() - LATE_EVENT_MS - 1000)
    assert await news.late_at() is not None


async def test_deletions_are_late_while_the_link_consumer_has_no_session() -> None:
    readiness = Readiness()
    news = DeletionNews(readiness)
    engine = create_async_engine("postgresql+asyncpg://nobody@127.0.0.1:9/none")
    intake = LinkIntake(engine, news)
    StoredOffsetsConsumer(
        bootstrap="127.0.0.1:9",
        consumer=LINK_DISPATCHER,
        topics=[LINK_EVENTS],
        decode=decode_link_event,
        engine=engine,
        offsets=tables.offsets,
        prepare=intake.prepare,
        apply=intake.apply,
        readiness=readiness,
    )
    assert await news.late_at() is not None
