"""The counters worker: clicks from Kafka, summed per link and added in the transaction that moves the offsets."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka import ConsumerRecord
from sqlalchemy import BigInteger, Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from codeqr_common.events.clicks import ClickEvent, decode_click
from codeqr_common.health import Readiness
from codeqr_common.kafka.stored_offsets import StoredOffsetsConsumer
from codeqr_common.kafka.topics import CLICK_EVENTS, COUNTERS
from link_api.tables import Time, consumer_offsets, link_counters, links, project_counters, projects


@dataclass(frozen=True)
class Gain:
    """What a batch adds to one link. `last_clicked` is in milliseconds since the epoch."""

    link_id: str
    project_id: str
    clicks: int
    scans: int
    last_clicked: int


def gains(clicks: Iterable[ClickEvent]) -> list[Gain]:
    """The sums per link, in the order of link ids (the order in which rows are locked). Bots do not count."""
    found: dict[str, Gain] = {}
    for click in clicks:
        if click.bot:
            continue
        before = found.get(click.link_id) or Gain(click.link_id, click.project_id, 0, 0, click.time)
        found[click.link_id] = Gain(
            click.link_id,
            click.project_id,
            before.clicks + 1,
            before.scans + (click.trigger == "qr"),
            max(before.last_clicked, click.time),
        )
    return [found[link_id] for link_id in sorted(found)]


def project_gains(rows: Iterable[Gain]) -> list[tuple[str, int, int]]:
    """`(project id, clicks, scans)` of each project, in the order of ids."""
    clicks: Counter[str] = Counter()
    scans: Counter[str] = Counter()
    for row in rows:
        clicks[row.project_id] += row.clicks
        scans[row.project_id] += row.scans
    return [(project_id, clicks[project_id], scans[project_id]) for project_id in sorted(clicks)]


_rows = (
    func.unnest(
        bindparam("link_ids", type_=ARRAY(Text)),
        bindparam("project_ids", type_=ARRAY(Text)),
        bindparam("clicks", type_=ARRAY(BigInteger)),
        bindparam("scans", type_=ARRAY(BigInteger)),
        bindparam("last_clicked", type_=ARRAY(Time)),
    )
    .table_valued("link_id", "project_id", "clicks", "scans", "last_clicked")
    .render_derived("gained")
)
_gained = insert(link_counters).from_select(
    ["link_id", "project_id", "clicks", "scans", "last_clicked"],
    select(_rows.c.link_id, _rows.c.project_id, _rows.c.clicks, _rows.c.scans, _rows.c.last_clicked)
    .join(links, links.c.id == _rows.c.link_id)
    .order_by(_rows.c.link_id),
)
ADD_CLICKS = _gained.on_conflict_do_update(
    index_elements=[link_counters.c.link_id],
    set_={
        "clicks": link_counters.c.clicks + _gained.excluded.clicks,
        "scans": link_counters.c.scans + _gained.excluded.scans,
        "project_id": _gained.excluded.project_id,
        "last_clicked": func.greatest(link_counters.c.last_clicked, _gained.excluded.last_clicked),
    },
)


_sums = (
    func.unnest(
        bindparam("project_ids", type_=ARRAY(Text)),
        bindparam("clicks", type_=ARRAY(BigInteger)),
        bindparam("scans", type_=ARRAY(BigInteger)),
    )
    .table_valued("project_id", "clicks", "scans")
    .render_derived("sums")
)
_summed = insert(project_counters).from_select(
    ["project_id", "clicks", "scans"],
    select(_sums.c.project_id, _sums.c.clicks, _sums.c.scans)
    .join(projects, projects.c.id == _sums.c.project_id)
    .order_by(_sums.c.project_id),
)
ADD_TO_PROJECTS = _summed.on_conflict_do_update(
    index_elements=[project_counters.c.project_id],
    set_={name: project_counters.c[name] + _summed.excluded[name] for name in ("clicks", "scans")},
)


async def add_clicks(connection: AsyncConnection, rows: Sequence[Gain]) -> None:
    """Add sums to the counters of links that are still there, in the order of ids, and of projects that are."""
    if not rows:
        return
    parameters = {
        "link_ids": [row.link_id for row in rows],
        "project_ids": [row.project_id for row in rows],
        "clicks": [row.clicks for row in rows],
        "scans": [row.scans for row in rows],
        "last_clicked": [datetime.fromtimestamp(row.last_clicked / 1000, UTC) for row in rows],
    }
    await connection.execute(ADD_CLICKS, parameters)
    sums = project_gains(rows)
    parameters = {
        "project_ids": [project_id for project_id, _, _ in sums],
        "clicks": [clicks for _, clicks, _ in sums],
        "scans": [scans for _, _, scans in sums],
    }
    await connection.execute(ADD_TO_PROJECTS, parameters)


async def _sum(pairs: Sequence[tuple[ConsumerRecord, ClickEvent]]) -> list[Gain]:
    return gains(click for _, click in pairs)


def counters_worker(
    bootstrap: str, engine: AsyncEngine, readiness: Readiness
) -> StoredOffsetsConsumer[ClickEvent, list[Gain]]:
    """The consumer that keeps `clicks` and `lastClicked` of links, and the sums of projects."""
    return StoredOffsetsConsumer(
        bootstrap=bootstrap,
        consumer=COUNTERS,
        topics=[CLICK_EVENTS],
        decode=decode_click,
        engine=engine,
        offsets=consumer_offsets,
        prepare=_sum,
        apply=add_clicks,
        readiness=readiness,
    )
