"""A click's way: record, spool, sender, event."""
