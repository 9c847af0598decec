"""API keys: their form, their verification, and the dependency that guards a route."""
