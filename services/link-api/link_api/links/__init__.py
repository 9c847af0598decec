"""Links: the endpoints, what they do, their rows, and the rules for URLs and keys."""
