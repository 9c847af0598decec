"""Making links: any number by one statement that claims the names and writes rows, tags, events and audit.

Whoever calls decides what is around it: single links share a statement with others of their moment, those of one call
are one transaction. The statement makes those links whose name and external id are free, and says why others failed,
of which then nothing is there.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common import errors
from codeqr_common.errors import ApiError
from codeqr_common.events.links import Link
from codeqr_common.ids import new_id
from codeqr_common.short_links import fold_key
from link_api.audit.repository import Actor
from link_api.database import Database, Outdated, constraint_of
from link_api.links.changes import LinkEvents, PendingEvent
from link_api.links.key_rules import random_key
from link_api.links.names import Name, key_used
from link_api.links.tagging import Tag, TagsAsked
from link_api.links.validation import checked_key
from link_api.links.values import Values, search_text
from link_api.outbox.entries import RegisterEntries, merged
from link_api.rows import fetch_all

DRAWS = 10
NO_COUNTERS = {"clicks": 0, "leads": 0, "sales": 0, "sale_amount": 0, "last_clicked": None}

CREATE = """
WITH asked AS (
    SELECT * FROM json_to_recordset(CAST(:links AS json)) AS given (
        id text, project_id text, user_id text, domain_id text, domain text, key text, key_folded text, url text,
        external_id text, tenant_id text, title text, description text, image text, video text, comments text,
        archived boolean, track_conversion boolean, proxy boolean, rewrite boolean, do_index boolean, flexible boolean,
        filled boolean, pre_redirection boolean, is_form_mandatory boolean, public_stats boolean,
        expires_at timestamptz, expired_url text, password_hash text, ios text, android text, page_id text,
        page_url text, notification_token text, utm_source text, utm_medium text, utm_campaign text, utm_term text,
        utm_content text, geo jsonb, rules jsonb, webhook_ids text[], search_text text, created_at timestamptz,
        updated_at timestamptz, tag_ids text[], shard smallint, event_start text, event_end text, headers jsonb,
        register_start text, register_end text, audit_id text, key_id text, request_id text
    )
),
possible AS (
    SELECT asked.* FROM asked
    JOIN links.short_domains AS held ON held.slug = asked.domain AND held.domain_id = asked.domain_id
    WHERE asked.external_id IS NULL OR NOT EXISTS (
        SELECT FROM links.links AS other
        WHERE other.project_id = asked.project_id AND other.external_id = asked.external_id
    )
),
claimed AS (
    INSERT INTO links.short_links AS held (domain, key_folded, version, link_id)
    SELECT domain, key_folded, nextval('links.versions'), id FROM possible ORDER BY domain, key_folded
    ON CONFLICT (domain, key_folded) DO UPDATE
        SET version = nextval('links.versions'), link_id = EXCLUDED.link_id
        WHERE held.link_id IS NULL
    RETURNING link_id, version
),
made AS (
    INSERT INTO links.links (
        id, project_id, user_id, domain_id, domain, key, key_folded, url, external_id, tenant_id, title, description,
        image, video, comments, archived, track_conversion, proxy, rewrite, do_index, flexible, filled,
        pre_redirection, is_form_mandatory, public_stats, expires_at, expired_url, password_hash, ios, android,
        page_id, page_url, notification_token, utm_source, utm_medium, utm_campaign, utm_term, utm_content, geo, rules,
        webhook_ids, search_text, created_at, updated_at
    )
    SELECT
        id, project_id, user_id, domain_id, domain, key, key_folded, url, external_id, tenant_id, title, description,
        image, video, comments, archived, track_conversion, proxy, rewrite, do_index, flexible, filled,
        pre_redirection, is_form_mandatory, public_stats, expires_at, expired_url, password_hash, ios, android,
        page_id, page_url, notification_token, utm_source, utm_medium, utm_campaign, utm_term, utm_content, geo, rules,
        webhook_ids, search_text, created_at, updated_at
    FROM asked JOIN claimed ON claimed.link_id = asked.id
),
tagged AS (
    INSERT INTO links.link_tags (link_id, tag_id, position)
    SELECT asked.id, tag.id, tag.position
    FROM asked JOIN claimed ON claimed.link_id = asked.id,
        unnest(asked.tag_ids) WITH ORDINALITY AS tag (id, position)
),
told AS (
    INSERT INTO links.outbox (shard, topic, key, value, headers, register)
    SELECT shard, 'link.events', id, convert_to(event_start || version || event_end, 'UTF8'), headers,
        convert_to(register_start || version || register_end, 'UTF8')
    FROM asked JOIN claimed ON claimed.link_id = asked.id
    ORDER BY asked.id
),
noted AS (
    INSERT INTO links.audit (project_id, id, at, action, resource_id, key_id, user_id, request_id)
    SELECT project_id, audit_id, created_at, 'link.created', id, key_id, user_id, request_id
    FROM asked JOIN claimed ON claimed.link_id = asked.id
)
SELECT asked.id, claimed.version, possible.id IS NOT NULL AS was_possible,
    possible.id IS NULL AND EXISTS (
        SELECT FROM links.short_domains AS held
        WHERE held.slug = asked.domain AND held.domain_id = asked.domain_id
    ) AS external_id_used
FROM asked
LEFT JOIN claimed ON claimed.link_id = asked.id
LEFT JOIN possible ON possible.id = asked.id
"""
_CREATE = text(CREATE)
_HOT_CREATE = CREATE.replace("CAST(:links AS json)", "$1::json")
Outcomes = Sequence[Mapping[str, Any]]
Run = Callable[[Sequence[Values]], Awaitable[Outcomes]]
"""Runs `CREATE` for some links. Gives the outcome of each, in any order."""
_encode = msgspec.json.Encoder().encode


class DomainGone(Exception):
    """The domain that a link was to live on is not (any more) what it was taken for."""


@dataclass(frozen=True, slots=True)
class RandomKey:
    """How to draw another key, should this one be taken."""

    prefix: str | None
    length: int | None


@dataclass(slots=True)
class Draft:
    """A link that may be made. `row`: the columns of `links`; `tags`: those `asked` for, once they are known."""

    row: Values
    asked: TagsAsked | None = None
    tags: list[Tag] = field(default_factory=list)
    drawn: RandomKey | None = None

    @property
    def name(self) -> Name:
        return Name(self.row["domain"], self.row["key_folded"])


@dataclass(frozen=True, slots=True)
class Made:
    """A link that was made; `entries` go to the register once it is committed."""

    link: Link
    entries: RegisterEntries


class Creation:
    """Makes drafts into links."""

    def __init__(self, events: LinkEvents) -> None:
        self._events = events

    async def make(self, run: Run, actor: Actor, drafts: Sequence[Draft], *, bulk: bool) -> list[Made | ApiError]:
        """What became of each draft, in order. No two drafts may have one name or one external id.

        A random key that is taken is drawn anew. Raises `DomainGone`, and 409 for an external id that somebody else
        took in this very moment.
        """
        results: dict[str, Made | ApiError] = {}
        waiting = list(drafts)
        for _ in range(DRAWS):
            waiting = await self._try(run, actor, waiting, results, bulk=bulk)
            if not waiting:
                break
            names: set[Name] = set()
            for draft in waiting:
                redraw(draft)
                while draft.name in names:
                    redraw(draft)
                names.add(draft.name)
        for draft in waiting:
            results[draft.row["id"]] = errors.conflict(
                "No free random key was found; ask for a longer one with keyLength."
            )
        return [results[draft.row["id"]] for draft in drafts]

    async def _try(
        self, run: Run, actor: Actor, drafts: Sequence[Draft], results: dict[str, Made | ApiError], *, bulk: bool
    ) -> list[Draft]:
        """Run the statement once. Gives the drafts whose random key was taken."""
        events: list[tuple[Draft, PendingEvent]] = []
        for draft in drafts:
            try:
                events.append((draft, self._event(draft, bulk=bulk)))
            except ApiError as error:  # the link is too large
                results[draft.row["id"]] = error
        rows = [_parameters(draft, event, actor) for draft, event in events]
        outcomes = {outcome["id"]: outcome for outcome in await run(rows)} if rows else {}
        again = []
        for draft, event in events:
            outcome = outcomes[draft.row["id"]]
            if outcome["version"] is not None:
                results[draft.row["id"]] = Made(event.link, event.entries(outcome["version"]))
            elif outcome["external_id_used"]:
                results[draft.row["id"]] = external_id_used(draft.row["external_id"])
            elif not outcome["was_possible"]:
                raise DomainGone
            elif draft.drawn is not None:
                again.append(draft)
            else:
                results[draft.row["id"]] = key_used(draft.name)
        return again

    def _event(self, draft: Draft, *, bulk: bool) -> PendingEvent:
        return self._events.pending("link.created", {**draft.row, **NO_COUNTERS, "tags": draft.tags}, bulk=bulk)


def by_itself(database: Database) -> Run:
    """Runs the statement as a transaction of its own, on a connection without ceremony."""

    async def run(rows: Sequence[Values]) -> Outcomes:
        return await database.fetch(_HOT_CREATE, _encode(rows).decode())

    return run


def in_transaction(connection: AsyncConnection) -> Run:
    """Runs the statement in the connection's transaction. Raises `Outdated` when it must run again."""

    async def run(rows: Sequence[Values]) -> Outcomes:
        try:
            return await fetch_all(connection, _CREATE.bindparams(links=_encode(rows).decode()))
        except IntegrityError as error:
            if constraint_of(error) == "links_project_external_id":
                raise Outdated("the external id was taken at this moment") from error
            raise

    return run


def redraw(draft: Draft) -> None:
    """Give the draft another random key. Raises 422 for a prefix that makes no key."""
    assert draft.drawn is not None  # noqa: S101 - only such drafts are drawn
    key = checked_key("prefix", random_key(draft.drawn.prefix, draft.drawn.length))
    draft.row["key"], draft.row["key_folded"] = key, fold_key(key)
    draft.row["search_text"] = search_text(key, draft.row["url"], draft.row["title"])


def external_id_used(external_id: str) -> ApiError:
    return errors.conflict(f"The externalId {external_id} is already used in this project.")


def entries_of(results: Sequence[Made | ApiError]) -> RegisterEntries:
    """What the register is to learn of them."""
    return merged(result.entries for result in results if isinstance(result, Made))


def _parameters(draft: Draft, event: PendingEvent, actor: Actor) -> Values:
    value, register = event.around_version()
    return {
        **draft.row,
        "tag_ids": [tag["id"] for tag in draft.tags],
        "shard": event.shard,
        "event_start": value[0],
        "event_end": value[1],
        "headers": event.headers,
        "register_start": register[0],
        "register_end": register[1],
        "audit_id": new_id("aud"),
        "key_id": actor.key_id,
        "request_id": actor.request_id,
    }
