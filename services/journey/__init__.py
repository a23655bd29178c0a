"""The patient's journey through the hospital: transitions, queues, calls, and what is told of them."""
