"""Projects: the tenants, made over the internal listener."""
