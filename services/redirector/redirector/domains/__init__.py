"""Which short domain a request is for."""
