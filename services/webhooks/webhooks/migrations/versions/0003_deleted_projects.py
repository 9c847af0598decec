"""Projects that are gone, and what it takes to find all that is left of one."""

from alembic import op

revision = "0003"
down_revision = "0002"

UP = """
CREATE TABLE webhooks.deleted_projects (
    project_id text PRIMARY KEY,
    deleted_at timestamptz NOT NULL DEFAULT now(),
    next_removal_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX events_of_project ON webhooks.events (project_id);
ALTER TABLE webhooks.link_copies ADD COLUMN project_id text;
UPDATE webhooks.link_copies SET project_id = convert_from(link, 'UTF8')::jsonb ->> 'projectId';
CREATE INDEX link_copies_of_project ON webhooks.link_copies (project_id);
"""


def upgrade() -> None:
    for statement in UP.split(";\n"):
        if statement.strip():
            op.execute(statement)
