"""Projects that are gone: none of their clicks stays."""
