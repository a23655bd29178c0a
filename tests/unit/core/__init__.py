"""What every room stands on: settings."""
