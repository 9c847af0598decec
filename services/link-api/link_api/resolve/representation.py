"""A domain's row as redirectors need it."""

from collections.abc import Mapping
from typing import Any

from codeqr_common.short_links import RedirectDomain


def redirect_domain(row: Mapping[str, Any]) -> RedirectDomain:
    """What a redirector must know of a domain."""
    return RedirectDomain(
        id=row["id"],
        slug=row["slug"],
        project_id=row["project_id"],
        verified=row["verified_at"] is not None,
        root_url=row["root_url"],
        not_found_url=row["not_found_url"],
        expired_url=row["expired_url"],
    )
