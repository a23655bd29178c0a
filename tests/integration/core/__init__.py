"""What every process does with its settings."""
