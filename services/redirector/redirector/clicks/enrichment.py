"""A spooled record completed to the event that every consumer gets. Pure: no clock, no network."""

from collections.abc import Mapping
from urllib.parse import unquote_plus

import msgspec

from codeqr_common.events.clicks import ClickEvent
from redirector.clicks.agents import agent_of
from redirector.clicks.bots import bot_reason
from redirector.clicks.geo import Geo, edge_place
from redirector.clicks.record import ClickRecord
from redirector.clicks.referrers import bare_domain
from redirector.clicks.visitors import is_destroyed, utc_day, visitor_hash
from redirector.languages import preferred
from redirector.target import parameters

UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
MAX_UTM = 255


class Enricher:
    """Completes the records of one spool."""

    def __init__(self, spool_id: str, geo: Geo) -> None:
        self._spool_id = spool_id
        self._geo = geo

    def complete(
        self, record: ClickRecord, position: int, salts: Mapping[str, bytes | None], now_ms: int
    ) -> ClickEvent:
        """The event of a record at `position`. `salts` holds those of the days there are, by UTC day.

        Whatever bytes a visitor's headers hold, it does not raise.
        """
        agent = agent_of(record.user_agent)
        place = (edge_place(record.edge_place) if record.edge_place else None) or self._geo.place(record.address)
        reason = bot_reason(head=record.head, purpose=record.purpose, user_agent=record.user_agent, spider=agent.spider)
        languages = preferred(record.language)
        utm = utm_of(record.target)
        return msgspec.structs.replace(
            self.bare(record, position),
            continent=place.continent,
            country=place.country,
            region=place.region,
            city=place.city,
            os=agent.os,
            browser=agent.browser,
            device=agent.device,
            bot=reason is not None,
            bot_reason=reason,
            referrer=bare_domain(record.referrer),
            language=languages[0] if languages else None,
            visitor=_visitor(record, salts, now_ms),
            utm_source=utm.get("utm_source"),
            utm_medium=utm.get("utm_medium"),
            utm_campaign=utm.get("utm_campaign"),
            utm_term=utm.get("utm_term"),
            utm_content=utm.get("utm_content"),
        )

    def bare(self, record: ClickRecord, position: int) -> ClickEvent:
        """The event with only what the record itself says: for a record that cannot be completed."""
        return ClickEvent(
            id=record.id,
            time=record.time,
            project_id=record.project_id,
            link_id=record.link_id,
            domain=record.domain,
            key=record.key,
            key_folded=record.key_folded,
            target=record.target,
            url=record.url,
            trigger="qr" if record.qr else "link",
            qr=record.qr,
            variant=record.variant,
            bot=record.head,
            bot_reason="head" if record.head else None,
            referrer_url=record.referrer or None,
            user_agent=record.user_agent,
            spool=self._spool_id,
            position=position,
            request_id=record.request_id,
        )


def utm_of(target: str) -> dict[str, str | None]:
    """The `utm_*` parameters in effect on a target; an empty one counts as none."""
    query = target.partition("#")[0].partition("?")[2]
    if "utm_" not in query:
        return {}
    found = {name: unquote_plus(text.partition("=")[2]).strip()[:MAX_UTM] for name, text in parameters(query)}
    return {name: found.get(name) or None for name in UTM}


def _visitor(record: ClickRecord, salts: Mapping[str, bytes | None], now_ms: int) -> str | None:
    day = utc_day(record.time)
    salt = None if is_destroyed(day, now_ms) else salts.get(day)
    return visitor_hash(salt, record.address, record.user_agent) if salt and record.address else None
