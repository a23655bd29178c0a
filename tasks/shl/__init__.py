"""Tasks of SMART Health Links, by room."""
