"""The threads' task, and the operators' command: `python -m tasks.threads verify-audit`."""
