"""The patient's journey under load: actions, calls, statements and logouts, beside the same by plain means."""
