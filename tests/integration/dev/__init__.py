"""Tests of what only people who work on the product need."""
