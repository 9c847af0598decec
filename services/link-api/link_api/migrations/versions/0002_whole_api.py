"""What the whole API needs: rotated keys, usage, idempotency, audit, search, and an index for every list.

Ids are made of the time, so lists by creation are lists by id. Old links get their counters' project and their search
text here; the version of the code before this one goes on working meanwhile, for nothing is renamed or taken away.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    # A key in rotation has two secrets until the older one's time is over.
    """
    ALTER TABLE links.api_keys
        ADD COLUMN previous_hash text COLLATE "C",
        ADD COLUMN previous_until timestamptz,
        ADD COLUMN updated_at timestamptz
    """,
    """
    CREATE UNIQUE INDEX api_keys_previous_hash ON links.api_keys (previous_hash) WHERE previous_hash IS NOT NULL
    """,
    "CREATE INDEX api_keys_live ON links.api_keys (project_id, id) WHERE revoked_at IS NULL",
    # No foreign key: a report may arrive when its key has just gone.
    """
    CREATE TABLE links.key_usage (
        key_id text COLLATE "C" NOT NULL,
        day date NOT NULL,
        requests bigint NOT NULL,
        PRIMARY KEY (key_id, day)
    ) WITH (fillfactor = 70)
    """,
    "CREATE INDEX key_usage_old ON links.key_usage (day)",
    """
    CREATE TABLE links.idempotent_calls (
        project_id text COLLATE "C" NOT NULL,
        method text COLLATE "C" NOT NULL,
        path text COLLATE "C" NOT NULL,
        key text COLLATE "C" NOT NULL,
        fingerprint bytea NOT NULL,
        answer bytea NOT NULL,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (project_id, method, path, key)
    )
    """,
    "CREATE INDEX idempotent_calls_old ON links.idempotent_calls (created_at)",
    "ALTER TABLE links.projects ADD COLUMN deleted_at timestamptz",
    # Who changed what. No foreign keys: the rows outlive the keys and users that they name.
    """
    CREATE TABLE links.audit (
        project_id text COLLATE "C" NOT NULL,
        id text COLLATE "C" NOT NULL,
        at timestamptz NOT NULL,
        action text COLLATE "C" NOT NULL,
        resource_id text COLLATE "C" NOT NULL,
        key_id text COLLATE "C",
        user_id text COLLATE "C",
        request_id text,
        PRIMARY KEY (project_id, id)
    )
    """,
    "CREATE INDEX audit_of_resource ON links.audit (project_id, resource_id, id)",
    "CREATE INDEX audit_of_action ON links.audit (project_id, action, id)",
    "CREATE INDEX audit_of_key ON links.audit (project_id, key_id, id) WHERE key_id IS NOT NULL",
    "CREATE INDEX audit_old ON links.audit USING brin (at)",
    # Events that Kafka has and Redis has not: few, and looked for every second.
    "CREATE INDEX outbox_unregistered ON links.outbox (id) WHERE published",
    "CREATE INDEX domains_unverified ON links.domains (created_at) WHERE verified_at IS NULL",
    # Bytes, pairs and triples of bytes of a text in UTF-8, as numbers that differ from project to project. Immutable,
    # although convert_to is not said to be: the database's own encoding is UTF-8 and stays.
    """
    CREATE FUNCTION links.ngrams(project text, content text) RETURNS integer[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
        SELECT array_agg(first # seed)
            || coalesce(array_agg((256 + (first << 8) + second) # seed) FILTER (WHERE second IS NOT NULL), '{}')
            || coalesce(array_agg((65792 + (first << 16) + (second << 8) + third) # seed)
                        FILTER (WHERE third IS NOT NULL), '{}')
        FROM (
            SELECT get_byte(raw, at) AS first,
                CASE WHEN at + 1 < size THEN get_byte(raw, at + 1) END AS second,
                CASE WHEN at + 2 < size THEN get_byte(raw, at + 2) END AS third,
                seed
            FROM (SELECT convert_to(content, 'UTF8') AS raw, octet_length(content) AS size,
                         hashtext(project) AS seed OFFSET 0) AS text,
                generate_series(0, size - 1) AS at
        ) AS bytes
    $$
    """,
    """
    ALTER TABLE links.links ADD COLUMN search_text text NOT NULL DEFAULT ''
    """,
    """
    UPDATE links.links SET search_text = lower(concat_ws(E'\\n', key_folded, url, title))
    """,
    """
    CREATE INDEX links_search ON links.links
        USING gin (links.ngrams(project_id, search_text)) WITH (gin_pending_list_limit = 1024)
    """,
    "ALTER TABLE links.links DROP CONSTRAINT links_project_external_id",
    """
    CREATE UNIQUE INDEX links_project_external_id ON links.links (project_id, external_id)
        WHERE external_id IS NOT NULL
    """,
    "DROP INDEX links.links_newest",
    "DROP INDEX links.links_of_domain",
    "CREATE INDEX links_newest ON links.links (project_id, id)",
    "CREATE INDEX links_live ON links.links (project_id, id) WHERE NOT archived",
    "CREATE INDEX links_of_domain ON links.links (domain_id, project_id, id)",
    "CREATE INDEX links_of_tenant ON links.links (project_id, tenant_id, id) WHERE tenant_id IS NOT NULL",
    "CREATE INDEX links_of_user ON links.links (project_id, user_id, id)",
    "CREATE INDEX links_of_url ON links.links (project_id, hashtextextended(url, 0), id)",
    """
    ALTER TABLE links.link_counters
        ADD COLUMN project_id text COLLATE "C" NOT NULL DEFAULT '',
        ADD COLUMN scans bigint NOT NULL DEFAULT 0
    """,
    """
    UPDATE links.link_counters AS counted SET project_id = links.project_id
    FROM links.links WHERE links.id = counted.link_id
    """,
    "CREATE INDEX link_counters_clicks ON links.link_counters (project_id, clicks NULLS FIRST, link_id)",
    "CREATE INDEX link_counters_last_clicked ON links.link_counters (project_id, last_clicked NULLS FIRST, link_id)",
    "CREATE INDEX link_counters_sale_amount ON links.link_counters (project_id, sale_amount NULLS FIRST, link_id)",
    """
    CREATE TABLE links.project_counters (
        project_id text COLLATE "C" PRIMARY KEY,
        clicks bigint NOT NULL DEFAULT 0,
        scans bigint NOT NULL DEFAULT 0
    ) WITH (fillfactor = 70)
    """,
    """
    INSERT INTO links.project_counters (project_id, clicks)
    SELECT project_id, sum(clicks) FROM links.link_counters WHERE project_id <> '' GROUP BY project_id
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
