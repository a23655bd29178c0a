"""HTTP/1.1 as the clients of other APIs need it: one bounded exchange at a time, never repeated."""
