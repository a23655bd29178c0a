"""Guards that need a database."""
