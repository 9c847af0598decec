-- Every click as it was ingested. '' stands for "none". The last three columns name the Kafka record a row came from:
-- one row a record, whatever dies in between. stream = <cluster id>/<topic>.
CREATE TABLE IF NOT EXISTS clicks
(
    project_id   LowCardinality(String),
    link_id      String,
    time         DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    id           String,
    domain       LowCardinality(String),
    key          String,
    key_folded   String,
    target       String CODEC(ZSTD(1)),
    url          String CODEC(ZSTD(1)),
    trigger      LowCardinality(String),
    qr           Bool,
    variant      LowCardinality(String),
    continent    LowCardinality(String),
    country      LowCardinality(String),
    region       LowCardinality(String),
    city         LowCardinality(String),
    os           LowCardinality(String),
    browser      LowCardinality(String),
    device       LowCardinality(String),
    bot          Bool,
    bot_reason   LowCardinality(String),
    referrer     LowCardinality(String),
    referrer_url String CODEC(ZSTD(1)),
    language     LowCardinality(String),
    utm_source   LowCardinality(String),
    utm_medium   LowCardinality(String),
    utm_campaign LowCardinality(String),
    utm_term     LowCardinality(String),
    utm_content  LowCardinality(String),
    user_agent   String CODEC(ZSTD(1)),
    visitor      String,
    spool        LowCardinality(String),
    position     UInt64 CODEC(Delta, ZSTD(1)),
    request_id   String,
    stream       LowCardinality(String),
    partition    UInt16,
    offset       UInt64 CODEC(Delta, ZSTD(1)),

    INDEX offsets offset TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(time)
ORDER BY (project_id, link_id, time)
-- Whoever asks for a table with a window of insert tokens gets lost rows: the embedded engine and a plain MergeTree
-- note the token before the part is renamed, so a death in between drops the rows and refuses them ever after.
SETTINGS non_replicated_deduplication_window = 0;
