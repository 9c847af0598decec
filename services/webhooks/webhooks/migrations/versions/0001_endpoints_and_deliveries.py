"""Endpoints, events, deliveries, attempts, copies of deleted links, consumer offsets."""

from alembic import op

revision = "0001"
down_revision = None

UP = """
CREATE TABLE webhooks.endpoints (
    id text PRIMARY KEY,
    project_id text NOT NULL,
    name text NOT NULL,
    url text NOT NULL,
    triggers text[] NOT NULL,
    link_ids text[] NOT NULL,
    enabled boolean NOT NULL,
    disabled_at bigint,
    disabled_reason text,
    secret text NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
CREATE INDEX endpoints_of_project ON webhooks.endpoints (project_id, created_at DESC, id DESC);

CREATE TABLE webhooks.events (
    id text PRIMARY KEY,
    project_id text NOT NULL,
    trigger text NOT NULL,
    link_id text,
    time bigint NOT NULL,
    body bytea NOT NULL,
    traceparent text,
    stored_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX events_by_age ON webhooks.events (stored_at);

CREATE TABLE webhooks.deliveries (
    id text PRIMARY KEY,
    event_id text NOT NULL REFERENCES webhooks.events (id) ON DELETE CASCADE,
    endpoint_id text NOT NULL REFERENCES webhooks.endpoints (id) ON DELETE CASCADE,
    status text NOT NULL CHECK (status IN ('pending', 'delivered', 'failed', 'skipped')),
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    lease text,
    created_at timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz,
    UNIQUE (event_id, endpoint_id),
    CHECK ((status = 'pending') = (next_attempt_at IS NOT NULL))
);
CREATE INDEX deliveries_due ON webhooks.deliveries (endpoint_id, next_attempt_at) WHERE status = 'pending';
CREATE INDEX deliveries_of_endpoint ON webhooks.deliveries (endpoint_id, created_at DESC);

CREATE TABLE webhooks.attempts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    delivery_id text NOT NULL REFERENCES webhooks.deliveries (id) ON DELETE CASCADE,
    started_at bigint NOT NULL,
    duration_ms integer NOT NULL,
    delivered boolean NOT NULL,
    status integer,
    error text,
    answer bytea NOT NULL
);
CREATE INDEX attempts_of_delivery ON webhooks.attempts (delivery_id, id);

CREATE TABLE webhooks.link_copies (
    link_id text PRIMARY KEY,
    version bigint NOT NULL,
    link bytea NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX link_copies_by_age ON webhooks.link_copies (stored_at);

CREATE TABLE webhooks.consumer_offsets (
    consumer text NOT NULL,
    stream text NOT NULL,
    partition integer NOT NULL,
    next bigint NOT NULL,
    PRIMARY KEY (consumer, stream, partition)
);
"""


def upgrade() -> None:
    for statement in UP.split(";\n"):
        if statement.strip():
            op.execute(statement)
