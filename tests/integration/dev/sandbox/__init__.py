"""The sandbox as a process, spoken to by a client that was written from the protocol's text alone."""
