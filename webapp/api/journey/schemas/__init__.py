"""The journey on the wire."""
