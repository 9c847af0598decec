"""Salts: the daily secrets under which visitors are hashed."""
