"""Tilko's codec, answers and records."""
