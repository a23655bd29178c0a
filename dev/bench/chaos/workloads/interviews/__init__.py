"""Members of projects who upload, retry, delete and restore interviews, and what must hold of it."""
