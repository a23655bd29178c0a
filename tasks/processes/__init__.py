"""The processes beside the workers, poller and sweeper, and the housekeeping that beat asks for."""
