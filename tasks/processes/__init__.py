"""The processes beside the workers: poller, sweeper, and what shows that they live."""
