"""What escapes from a task: told by its type and places alone.

Celery writes an error's text into its own line of the log, and into the event that Flower shows; a database's text
quotes the row that it stumbled over.
"""

from typing import Any

from celery import Task
from celery.exceptions import Ignore, Reject, Retry

from core.logs import get_logger

log = get_logger(__name__)


class RedactedError(Exception):
    """Stands for the error of a task, whose type it names."""

    retryable = False


class RedactingTask(Task):  # type: ignore[misc]
    """Every task of ours; what Celery itself raises to steer a task goes through."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.request.called_directly:
            return super().__call__(*args, **kwargs)
        try:
            return self.run(*args, **kwargs)
        except (Ignore, Reject, Retry):
            raise
        except Exception as exc:
            log.exception("task_failed", task=self.name)
            raise RedactedError(type(exc).__qualname__) from None
