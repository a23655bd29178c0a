"""What waiting for phones costs, beside a Celery task per session that retries itself."""
