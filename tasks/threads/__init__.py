"""The threads' tasks, and the operators' command: `python -m tasks.threads`."""
