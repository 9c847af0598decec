-- Projects that are gone, and the Kafka records that said so. Rows stay for good: clicks of such a project may come late.
CREATE TABLE IF NOT EXISTS deleted_projects
(
    project_id String,
    deleted_at DateTime64(3, 'UTC'),
    stream     LowCardinality(String),
    partition  UInt16,
    offset     UInt64
)
ENGINE = MergeTree
ORDER BY project_id
SETTINGS non_replicated_deduplication_window = 0;
