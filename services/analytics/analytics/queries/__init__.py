"""`GET /analytics`: figures of a project in a window of time."""
