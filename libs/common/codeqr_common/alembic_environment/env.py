"""The one Alembic environment: `codeqr_common.postgres.migrate` gives it a connection and a schema."""

from alembic import context

connection = context.config.attributes["connection"]
schema = context.config.attributes["schema"]
context.configure(connection=connection, version_table_schema=schema)
with context.begin_transaction():
    context.run_migrations()
