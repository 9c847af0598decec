"""The clicks themselves, for our own tools."""
