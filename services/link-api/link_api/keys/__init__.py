"""API keys: made, changed, rotated, revoked, and told apart by their hash."""
