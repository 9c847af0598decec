"""Projects that are gone: nothing of theirs stays."""
