"""An index of searches with half the entries, and claims that may be meant to be the primary domain.

The index holds single bytes and triples of bytes. The version of the code before this one goes on working meanwhile,
but its searches find no more than what is among the newest links. Links that are there already are found by their URL
as it is stored, and as people read it once they are changed again.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    "DROP INDEX links.domains_primary",
    """
    CREATE UNIQUE INDEX domains_primary ON links.domains (project_id) WHERE is_primary AND verified_at IS NOT NULL
    """,
    "DROP INDEX links.links_search",
    # The bytes of a text in UTF-8, and the triples of bytes of that text with two line feeds at its end, as numbers
    # that differ from project to project. Immutable, although convert_to is not said to be: the database's own
    # encoding is UTF-8 and stays.
    """
    CREATE OR REPLACE FUNCTION links.ngrams(project text, content text) RETURNS integer[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
        SELECT array_agg(get_byte(raw, at) # seed) || array_agg(
            (256 + (get_byte(raw, at) << 16) + (get_byte(raw, at + 1) << 8) + get_byte(raw, at + 2)) # seed
        )
        FROM (SELECT convert_to(content || E'\\n\\n', 'UTF8') AS raw, hashtext(project) AS seed OFFSET 0) AS text,
            generate_series(0, octet_length(content) - 1) AS at
    $$
    """,
    """
    CREATE INDEX links_search ON links.links
        USING gin (links.ngrams(project_id, search_text)) WITH (gin_pending_list_limit = 1024)
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
