"""Accounts: whose access tokens are taken, and whose no longer."""
