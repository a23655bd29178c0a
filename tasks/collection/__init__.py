"""The collection's tasks: the chain of steps, and the work on files."""
