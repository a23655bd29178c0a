"""What a collection costs, beside a bare Celery chain, DBOS and a floor."""
