"""The patient's journey through the hospital: what its edges call."""
