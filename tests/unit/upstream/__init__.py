"""The clients' pure parts."""
