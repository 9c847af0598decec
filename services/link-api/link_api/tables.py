"""The tables of schema `links` as SQLAlchemy Core sees them; `migrations/` is what makes them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    MetaData,
    Sequence,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from codeqr_common import idempotency, postgres

SCHEMA = "links"
metadata = MetaData(schema=SCHEMA)
Time = DateTime(timezone=True)

versions = Sequence("versions", metadata=metadata, schema=SCHEMA)
"""The one sequence that orders everything that ever happened to a short link or a slug."""


def _texts(*names: str) -> list[Column[str]]:
    return [Column(name, Text) for name in names]


def _flags(*names: str) -> list[Column[bool]]:
    return [Column(name, Boolean) for name in names]


projects = Table(
    "projects",
    metadata,
    *_texts("id", "name", "slug"),
    *(Column(name, Time) for name in ("created_at", "updated_at", "deleted_at")),
)
"""`deleted_at`: since when the project is being deleted. Nobody finds it any more but who goes on with that."""

users = Table("users", metadata, *_texts("id", "project_id", "name"), Column("created_at", Time))

api_keys = Table(
    "api_keys",
    metadata,
    *_texts("id", "project_id", "user_id", "name", "hash", "last_four"),
    Column("scopes", ARRAY(Text)),
    Column("rate_limit", Integer),
    *_flags("publishable"),
    *(Column(name, Time) for name in ("expires_at", "revoked_at", "last_used", "created_at", "updated_at")),
    Column("previous_hash", Text),
    Column("previous_until", Time),
)

key_usage = Table("key_usage", metadata, Column("key_id", Text), Column("day", Date), Column("requests", BigInteger))

domains = Table(
    "domains",
    metadata,
    *_texts("id", "project_id", "slug", "verification_token"),
    Column("verified_at", Time),
    *_flags("is_primary", "archived"),
    *_texts("root_url", "not_found_url", "expired_url", "placeholder"),
    Column("created_at", Time),
    Column("updated_at", Time),
)

short_domains = Table("short_domains", metadata, *_texts("slug", "domain_id"), Column("version", BigInteger))

tags = Table("tags", metadata, *_texts("id", "project_id", "name", "name_folded", "color"), Column("created_at", Time))

links = Table(
    "links",
    metadata,
    *_texts("id", "project_id", "user_id", "domain_id", "domain", "key", "key_folded"),
    *_texts("url", "external_id", "tenant_id", "title", "description", "image", "video", "comments"),
    *_flags("archived", "track_conversion", "proxy", "rewrite", "do_index", "flexible", "filled"),
    *_flags("pre_redirection", "is_form_mandatory", "public_stats"),
    Column("expires_at", Time),
    *_texts("expired_url", "password_hash", "ios", "android", "page_id", "page_url", "notification_token"),
    *_texts("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"),
    Column("geo", JSONB(none_as_null=True)),
    Column("rules", JSONB(none_as_null=True)),
    Column("webhook_ids", ARRAY(Text)),
    Column("search_text", Text),
    Column("created_at", Time),
    Column("updated_at", Time),
)

short_links = Table("short_links", metadata, *_texts("domain", "key_folded", "link_id"), Column("version", BigInteger))

link_tags = Table("link_tags", metadata, *_texts("link_id", "tag_id"), Column("position", Integer))

link_counters = Table(
    "link_counters",
    metadata,
    *_texts("link_id", "project_id"),
    *(Column(name, BigInteger) for name in ("clicks", "scans", "leads", "sales", "sale_amount")),
    Column("last_clicked", Time),
)

project_counters = Table(
    "project_counters", metadata, *_texts("project_id"), *(Column(name, BigInteger) for name in ("clicks", "scans"))
)

consumer_offsets = postgres.consumer_offsets(metadata)

idempotent_calls = idempotency.idempotent_calls(metadata)

audit = Table(
    "audit",
    metadata,
    *_texts("project_id", "id", "action", "resource_id", "key_id", "user_id", "request_id"),
    Column("at", Time),
)
"""One row for each resource that a call changed. `key_id` and `user_id` are null for what the operator did."""

salts = Table("salts", metadata, Column("day", Date), Column("salt", LargeBinary))

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger),
    Column("shard", SmallInteger),
    *_texts("topic", "key"),
    Column("value", LargeBinary),
    Column("headers", JSONB),
    Column("register", LargeBinary),
    Column("published", Boolean),
    Column("created_at", Time),
)

CONFLICTS = {
    "projects_slug": "A project with this slug exists already.",
    "domains_project_slug": "This project has this domain already.",
    "domains_primary": "This project has a primary domain already.",
    "tags_project_name": "A tag with this name exists already.",
    "links_project_external_id": "This externalId is already used in this project.",
    "links_domain": "This domain was deleted a moment ago.",
    "link_tags_tag_id_fkey": "A tag was deleted a moment ago.",
    **dict.fromkeys(
        ("links_project_id_fkey", "tags_project_id_fkey", "domains_project_id_fkey", "users_project_id_fkey"),
        "This project was deleted a moment ago.",
    ),
    **dict.fromkeys(
        ("api_keys_project_id_fkey", "api_keys_user_id_fkey"), "This project or this user was deleted a moment ago."
    ),
}
"""Constraints that a caller can run into, and what 409 says of each."""
