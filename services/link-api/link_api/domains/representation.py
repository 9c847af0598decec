"""A domain's row as the API shows it."""

from link_api import clock
from link_api.domains.schemas import Domain, VerificationRecord
from link_api.domains.validation import RECORD
from link_api.rows import Row


def record_of(row: Row) -> VerificationRecord:
    """The DNS record that proves the domain."""
    return VerificationRecord("TXT", f"{RECORD}.{row['slug']}", f"codeqr-verification={row['verification_token']}")


def shown(row: Row) -> Domain:
    """The domain object of a row."""
    return Domain(
        id=row["id"],
        slug=row["slug"],
        verified=row["verified_at"] is not None,
        verification_record=record_of(row),
        primary=row["is_primary"] and row["verified_at"] is not None,
        archived=row["archived"],
        root_url=row["root_url"],
        not_found_url=row["not_found_url"],
        expired_url=row["expired_url"],
        placeholder=row["placeholder"],
        created_at=clock.iso_or_none(row["created_at"]) or "",
        updated_at=clock.iso_or_none(row["updated_at"]) or "",
    )
