"""The bench of the threads: envelopes taken and delivered, threads that sleep, and a reader that comes back."""
