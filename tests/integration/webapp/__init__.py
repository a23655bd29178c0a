"""The edge with a real PostgreSQL and a real Redis behind it."""
