"""Tells other systems how sessions ended, as Standard Webhooks describe it."""
