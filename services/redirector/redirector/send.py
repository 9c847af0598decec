"""The role `send`: empties one spool into Kafka."""

import asyncio

from codeqr_common.health import Readiness
from codeqr_common.http.internal import InternalClient
from codeqr_common.kafka.sessions import wait
from codeqr_common.kafka.transactions import TransactionalWriter
from codeqr_common.logs import get_logger
from codeqr_common.service import configure, run
from redirector.clicks.enrichment import Enricher
from redirector.clicks.geo import Geo, open_geo
from redirector.clicks.salts import Salts
from redirector.clicks.sender import Sender
from redirector.clicks.spool import read_id
from redirector.settings import RedirectorSettings

log = get_logger(__name__)
ID_POLL_S = 0.1


async def send(settings: RedirectorSettings) -> None:
    """Send the clicks of the spool directory until asked to stop."""
    configure("sender", settings)
    geo = open_geo(settings.geo_mmdb)
    link_api = InternalClient(settings.link_api_internal_url, settings.service_token)
    readiness = Readiness()
    readiness.set("spool", False, "its redirector has not made it yet")

    async def task(stop: asyncio.Event) -> None:
        spool_id = await _spool_id(settings, stop)
        if spool_id is not None:
            readiness.set("spool", True)
            await _sender(settings, spool_id, geo, Salts(link_api)).run(stop)

    try:
        await run(settings, tasks={"sender": task}, readiness=readiness)
    finally:
        await link_api.aclose()


def _sender(settings: RedirectorSettings, spool_id: str, geo: Geo, salts: Salts) -> Sender:
    return Sender(
        settings.spool_dir,
        TransactionalWriter(settings.kafka_bootstrap, f"spool-{spool_id}"),
        Enricher(spool_id, geo),
        salts,
        batch_clicks=settings.batch_clicks,
        drain_s=settings.drain_seconds,
    )


async def _spool_id(settings: RedirectorSettings, stop: asyncio.Event) -> str | None:
    """The spool's id, once its redirector has made it; None if asked to stop before."""
    while (found := read_id(settings.spool_dir)) is None:
        if await wait(stop, ID_POLL_S):
            return None
    return found
