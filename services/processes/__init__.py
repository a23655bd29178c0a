"""Which processes are alive, and what they may do."""
