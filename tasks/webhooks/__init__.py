"""The tasks that tell receivers of webhooks, and the operators' command: `python -m tasks.webhooks`."""
