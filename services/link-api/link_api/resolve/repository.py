"""One statement: what the domains and short links are that an asked host and key may mean, and their versions."""

from collections.abc import Sequence

from sqlalchemy import Text, and_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from codeqr_common.short_links import DomainEntry, LinkEntry, Resolution
from link_api.links.repository import REDIRECT_COLUMNS
from link_api.links.representation import redirect_link
from link_api.resolve.representation import redirect_domain
from link_api.rows import Row, fetch_all
from link_api.tables import domains, links, short_domains, short_links

DOMAIN_COLUMNS = tuple(
    domains.c[name] for name in ("id", "slug", "project_id", "verified_at", "root_url", "not_found_url", "expired_url")
)

_asked = func.unnest(bindparam("slugs", type_=ARRAY(Text))).table_valued("slug").render_derived("asked")
_RESOLVE = select(
    _asked.c.slug.label("asked"),
    func.coalesce(short_domains.c.version, 0).label("domain_version"),
    func.coalesce(short_links.c.version, 0).label("link_version"),
    *(column.label(f"domain_{column.name}") for column in DOMAIN_COLUMNS),
    *(column.label(f"link_{column.name}") for column in REDIRECT_COLUMNS),
).select_from(
    _asked.outerjoin(short_domains, short_domains.c.slug == _asked.c.slug)
    .outerjoin(domains, domains.c.id == short_domains.c.domain_id)
    .outerjoin(
        short_links, and_(short_links.c.domain == _asked.c.slug, short_links.c.key_folded == bindparam("folded"))
    )
    .outerjoin(links, links.c.id == short_links.c.link_id)
)


async def resolve(connection: AsyncConnection, slugs: Sequence[str], folded: str) -> Resolution:
    """The entries of each slug, all of one moment. Version 0: never was."""
    statement = _RESOLVE.params(slugs=list(slugs), folded=folded)
    rows = await fetch_all(connection, statement)
    return Resolution(
        domains={row["asked"]: _domain_entry(row) for row in rows},
        links={row["asked"]: _link_entry(row) for row in rows},
    )


def _domain_entry(row: Row) -> DomainEntry:
    found = row["domain_id"] is not None
    values = {column.name: row[f"domain_{column.name}"] for column in DOMAIN_COLUMNS}
    return DomainEntry(row["domain_version"], redirect_domain(values) if found else None)


def _link_entry(row: Row) -> LinkEntry:
    found = row["link_id"] is not None
    values = {column.name: row[f"link_{column.name}"] for column in REDIRECT_COLUMNS}
    return LinkEntry(row["link_version"], redirect_link(values) if found else None)
