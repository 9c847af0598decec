"""Projects, keys, domains, tags, links, counters, the outbox.

Text that is an id or a name to compare is stored under the "C" collation: it is compared by bytes, and ids sort by
the time they were made.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    CREATE SEQUENCE links.versions AS bigint
    """,
    """
    CREATE TABLE links.projects (
        id text COLLATE "C" PRIMARY KEY,
        name text NOT NULL,
        slug text COLLATE "C" NOT NULL CONSTRAINT projects_slug UNIQUE,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL
    )
    """,
    """
    CREATE TABLE links.users (
        id text COLLATE "C" PRIMARY KEY,
        project_id text COLLATE "C" NOT NULL REFERENCES links.projects (id) ON DELETE CASCADE,
        name text NOT NULL,
        created_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX users_of_project ON links.users (project_id, id)",
    """
    CREATE TABLE links.api_keys (
        id text COLLATE "C" PRIMARY KEY,
        project_id text COLLATE "C" NOT NULL REFERENCES links.projects (id) ON DELETE CASCADE,
        user_id text COLLATE "C" NOT NULL REFERENCES links.users (id) ON DELETE CASCADE,
        name text NOT NULL,
        hash text COLLATE "C" NOT NULL CONSTRAINT api_keys_hash UNIQUE,
        last_four text NOT NULL,
        scopes text[] NOT NULL,
        rate_limit integer NOT NULL,
        publishable boolean NOT NULL DEFAULT false,
        expires_at timestamptz,
        revoked_at timestamptz,
        last_used timestamptz,
        created_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX api_keys_of_project ON links.api_keys (project_id, id)",
    """
    CREATE TABLE links.domains (
        id text COLLATE "C" PRIMARY KEY,
        project_id text COLLATE "C" REFERENCES links.projects (id) ON DELETE CASCADE,
        slug text COLLATE "C" NOT NULL,
        verified_at timestamptz,
        verification_token text NOT NULL,
        is_primary boolean NOT NULL DEFAULT false,
        archived boolean NOT NULL DEFAULT false,
        root_url text,
        not_found_url text,
        expired_url text,
        placeholder text,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        CONSTRAINT domains_project_slug UNIQUE (project_id, slug)
    )
    """,
    "CREATE UNIQUE INDEX domains_primary ON links.domains (project_id) WHERE is_primary",
    "CREATE INDEX domains_shared ON links.domains (created_at, id) WHERE project_id IS NULL",
    # Who holds a slug. A row stays when the domain goes, so that versions of a slug only ever grow.
    """
    CREATE TABLE links.short_domains (
        slug text COLLATE "C" PRIMARY KEY,
        version bigint NOT NULL,
        domain_id text COLLATE "C"
    )
    """,
    """
    CREATE TABLE links.tags (
        id text COLLATE "C" PRIMARY KEY,
        project_id text COLLATE "C" NOT NULL REFERENCES links.projects (id) ON DELETE CASCADE,
        name text NOT NULL,
        name_folded text COLLATE "C" NOT NULL,
        color text NOT NULL,
        created_at timestamptz NOT NULL,
        CONSTRAINT tags_project_name UNIQUE (project_id, name_folded)
    )
    """,
    """
    CREATE TABLE links.links (
        id text COLLATE "C" PRIMARY KEY,
        project_id text COLLATE "C" NOT NULL REFERENCES links.projects (id) ON DELETE CASCADE,
        user_id text COLLATE "C" NOT NULL,
        domain_id text COLLATE "C" NOT NULL CONSTRAINT links_domain REFERENCES links.domains (id),
        domain text COLLATE "C" NOT NULL,
        key text COLLATE "C" NOT NULL,
        key_folded text COLLATE "C" NOT NULL,
        url text,
        external_id text COLLATE "C",
        tenant_id text COLLATE "C",
        title text,
        description text,
        image text,
        video text,
        comments text,
        archived boolean NOT NULL DEFAULT false,
        track_conversion boolean NOT NULL DEFAULT false,
        proxy boolean NOT NULL DEFAULT false,
        rewrite boolean NOT NULL DEFAULT false,
        do_index boolean NOT NULL DEFAULT false,
        flexible boolean NOT NULL DEFAULT false,
        filled boolean NOT NULL DEFAULT false,
        pre_redirection boolean NOT NULL DEFAULT false,
        is_form_mandatory boolean NOT NULL DEFAULT false,
        public_stats boolean NOT NULL DEFAULT false,
        expires_at timestamptz,
        expired_url text,
        password_hash text,
        ios text,
        android text,
        page_id text,
        page_url text,
        notification_token text,
        utm_source text,
        utm_medium text,
        utm_campaign text,
        utm_term text,
        utm_content text,
        geo jsonb,
        rules jsonb,
        webhook_ids text[] NOT NULL DEFAULT '{}',
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        CONSTRAINT links_project_external_id UNIQUE (project_id, external_id)
    )
    """,
    "CREATE INDEX links_newest ON links.links (project_id, created_at DESC, id DESC)",
    "CREATE INDEX links_of_domain ON links.links (domain_id, created_at DESC, id DESC)",
    # The register of short links: who holds a (domain, folded key), and the version of its last change. A row stays
    # when its link goes, so that versions of a short link only ever grow.
    """
    CREATE TABLE links.short_links (
        domain text COLLATE "C" NOT NULL,
        key_folded text COLLATE "C" NOT NULL,
        version bigint NOT NULL,
        link_id text COLLATE "C",
        CONSTRAINT short_links_pkey PRIMARY KEY (domain, key_folded)
    ) WITH (fillfactor = 90)
    """,
    """
    CREATE TABLE links.link_tags (
        link_id text COLLATE "C" NOT NULL REFERENCES links.links (id) ON DELETE CASCADE,
        tag_id text COLLATE "C" NOT NULL REFERENCES links.tags (id) ON DELETE CASCADE,
        position integer NOT NULL,
        PRIMARY KEY (link_id, tag_id)
    )
    """,
    "CREATE INDEX link_tags_of_tag ON links.link_tags (tag_id, link_id)",
    # No foreign key: links get deleted while their clicks are still on the way.
    """
    CREATE TABLE links.link_counters (
        link_id text COLLATE "C" PRIMARY KEY,
        clicks bigint NOT NULL DEFAULT 0,
        leads bigint NOT NULL DEFAULT 0,
        sales bigint NOT NULL DEFAULT 0,
        sale_amount bigint NOT NULL DEFAULT 0,
        last_clicked timestamptz
    ) WITH (fillfactor = 70)
    """,
    """
    CREATE TABLE links.consumer_offsets (
        consumer text NOT NULL,
        stream text NOT NULL,
        partition integer NOT NULL,
        next bigint NOT NULL,
        PRIMARY KEY (consumer, stream, partition)
    )
    """,
    """
    CREATE TABLE links.salts (
        day date PRIMARY KEY,
        salt bytea NOT NULL
    )
    """,
    # Short-lived rows, read from the front: vacuumed early, so that polls do not wade through dead ones.
    """
    CREATE TABLE links.outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        shard smallint NOT NULL,
        topic text NOT NULL,
        key text NOT NULL,
        value bytea NOT NULL,
        headers jsonb NOT NULL,
        register bytea NOT NULL,
        published boolean NOT NULL DEFAULT false,
        created_at timestamptz NOT NULL DEFAULT now()
    ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)
    """,
    """
    CREATE INDEX outbox_unpublished ON links.outbox (id) WHERE NOT published
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
