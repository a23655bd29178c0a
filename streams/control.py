"""One channel to all web processes: whose right to read must be looked at again, now."""

from typing import Any

from core.logs import get_logger
from core.names import CONTROL_CHANNEL
from streams.errors import StreamsUnavailable, translated

log = get_logger(__name__)


class ControlChannel:
    """Call it after the commit that takes a right away: the processes ask PostgreSQL, and the message decides nothing.

    Never raises: what could not be told is found within a minute, when every right is looked at in its turn.
    """

    def __init__(self, redis_client: Any) -> None:
        self._redis = redis_client

    def reauthorize_subject(self, subject: str) -> bool:
        """All readers of one stream. False when Redis could not be reached."""
        return self._publish(f"subject:{subject}")

    def reauthorize_login(self, sid: str) -> bool:
        """All readers that came with one login. False when Redis could not be reached."""
        return self._publish(f"sid:{sid}")

    def _publish(self, name: str) -> bool:
        try:
            with translated(self._redis, "control"):
                self._redis.publish(CONTROL_CHANNEL, name)
        except StreamsUnavailable as exc:
            log.warning("control_not_published", error=str(exc))
            return False
        return True
