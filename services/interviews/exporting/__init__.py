"""Analyses as files that people take with them: Markdown, CSV, JSON and xlsx."""
