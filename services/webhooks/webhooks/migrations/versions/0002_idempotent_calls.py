"""Answers that are kept for repeats of a call."""

from alembic import op

revision = "0002"
down_revision = "0001"

UP = """
CREATE TABLE webhooks.idempotent_calls (
    project_id text COLLATE "C" NOT NULL,
    method text COLLATE "C" NOT NULL,
    path text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    answer bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, method, path, key)
);
CREATE INDEX idempotent_calls_old ON webhooks.idempotent_calls (created_at);
"""


def upgrade() -> None:
    for statement in UP.split(";\n"):
        if statement.strip():
            op.execute(statement)
