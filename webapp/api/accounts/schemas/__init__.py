"""Accounts on the wire."""
