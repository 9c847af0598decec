"""The tables of schema `webhooks`. They are made by the migrations; here is what queries need of them."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Identity, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY

from codeqr_common import idempotency
from codeqr_common.postgres import consumer_offsets

SCHEMA = "webhooks"
metadata = MetaData(schema=SCHEMA)

endpoints = Table(
    "endpoints",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("triggers", ARRAY(Text), nullable=False),
    Column("link_ids", ARRAY(Text), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("disabled_at", BigInteger),
    Column("disabled_reason", Text),
    Column("secret", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)
"""Times in milliseconds since the epoch, as events have them: an event older than an endpoint is not for it."""

events = Table(
    "events",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project_id", Text, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("link_id", Text),
    Column("time", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("traceparent", Text),
    Column("stored_at", DateTime(timezone=True), nullable=False),
)
"""Events that some endpoint wants. `body` is what every attempt of every delivery sends, byte for byte."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("event_id", Text, nullable=False),
    Column("endpoint_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", DateTime(timezone=True)),
    Column("lease", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("completed_at", DateTime(timezone=True)),
)
"""One event for one endpoint. `status`: pending, delivered, failed or skipped (the endpoint was disabled).

A pending one is due at `next_attempt_at`; while an attempt runs, that is when its `lease` runs out.
"""

attempts = Table(
    "attempts",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("delivery_id", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("duration_ms", Integer, nullable=False),
    Column("delivered", Boolean, nullable=False),
    Column("status", Integer),
    Column("error", Text),
    Column("answer", LargeBinary, nullable=False),
)
"""One POST: when (ms since the epoch), how long, and the answer's status and first 2 kB, or the error in its place."""

link_copies = Table(
    "link_copies",
    metadata,
    Column("link_id", Text, primary_key=True),
    Column("project_id", Text),
    Column("version", BigInteger, nullable=False),
    Column("link", LargeBinary, nullable=False),
    Column("stored_at", DateTime(timezone=True), nullable=False),
)
"""Deleted links as they last were (JSON), for their clicks that are still on the way."""

deleted_projects = Table(
    "deleted_projects",
    metadata,
    Column("project_id", Text, primary_key=True),
    Column("deleted_at", DateTime(timezone=True), nullable=False),
    Column("next_removal_at", DateTime(timezone=True), nullable=False),
)
"""Projects that are gone. At `next_removal_at` it is looked for what is left of one."""

offsets = consumer_offsets(metadata)

idempotent_calls = idempotency.idempotent_calls(metadata)
