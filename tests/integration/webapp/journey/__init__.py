"""The edge of the journey with real stores behind it."""
