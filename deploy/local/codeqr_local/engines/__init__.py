"""How each engine is found, initialised and run locally."""
