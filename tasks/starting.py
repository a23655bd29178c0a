"""What a worker does about a start that fails."""

from collections.abc import Callable
from functools import wraps

from core.logs import get_logger

log = get_logger(__name__)


def ends_worker(receiver: Callable[..., None]) -> Callable[..., None]:
    """For a receiver of `worker_init`. Celery logs what one raises and goes on: the worker would take tasks without
    what they need, and fail each. Whatever started it starts it again."""

    @wraps(receiver)
    def receive(**named: object) -> None:
        try:
            receiver(**named)
        except Exception as exc:
            # By its type and code alone: what a store says may quote.
            log.error("worker_not_started", error=type(exc).__name__, reason=getattr(exc, "reason", None))  # noqa: TRY400
            raise SystemExit(1) from exc

    return receive
