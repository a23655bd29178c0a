"""The Celery app, its tasks, and the two processes that see to it that nothing stands still: poller and sweeper."""
