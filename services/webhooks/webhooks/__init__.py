"""Webhooks: who wants to be told of what, and telling them, signed, at least once."""
