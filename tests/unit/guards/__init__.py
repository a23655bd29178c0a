"""Tests that hold the house rules: arrows, transactions, settings, names, migrations."""
