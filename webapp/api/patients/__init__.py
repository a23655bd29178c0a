"""A patient's records and password over HTTP."""
