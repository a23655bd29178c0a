"""The patient's journey: what its edges call."""
