"""Every limit, fence and restart that makes Kafka exact for us."""
