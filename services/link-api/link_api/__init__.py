"""The link API: projects, keys, domains, tags and links; the outbox, its relay and the counters worker."""
