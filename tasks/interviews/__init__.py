"""The interviews' tasks."""
