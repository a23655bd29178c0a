"""The tasks on a person's data."""
