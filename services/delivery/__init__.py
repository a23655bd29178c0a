"""Events and tasks on their way out: the unit of work and the senders."""
