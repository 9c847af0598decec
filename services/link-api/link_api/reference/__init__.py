"""The reference of the whole API: `/openapi.json`, `/docs`, `/docs/errors`."""
