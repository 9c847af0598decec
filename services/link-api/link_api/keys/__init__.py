"""API keys: made, and told apart by their hash."""
