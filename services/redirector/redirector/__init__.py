"""Answers short links, spools their clicks to disk, and sends them to Kafka."""
