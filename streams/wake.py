"""One channel to processes that follow something by their own clock: it has changed, look now."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from core.logs import get_logger
from core.names import WAKE_CHANNEL
from streams.errors import StreamsUnavailable, translated

log = get_logger(__name__)


class WakeChannel:
    """A name that was not heard is looked at when its time has come; so nothing here is kept or repeated."""

    def __init__(self, redis_client: Any) -> None:
        self._redis = redis_client

    def wake(self, name: str) -> bool:
        """Call it after the commit. Never raises: False when Redis could not be reached."""
        try:
            with translated(self._redis, "wake"):
                self._redis.publish(WAKE_CHANNEL, name)
        except StreamsUnavailable as exc:
            log.warning("wake_not_published", error=str(exc))
            return False
        return True

    @contextmanager
    def listen(self) -> Iterator["WakeListener"]:
        """Heard is what is published from here on. Raises StreamsUnavailable."""
        with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
            with translated(self._redis, "wake"):
                pubsub.subscribe(WAKE_CHANNEL)
                pubsub.get_message(timeout=None)  # that it is subscribed: from here on nothing is missed
            yield WakeListener(self._redis, pubsub)


class WakeListener:
    """One subscription, of one thread."""

    def __init__(self, redis_client: Any, pubsub: Any) -> None:
        self._redis = redis_client
        self._pubsub = pubsub

    def next_name(self, timeout_seconds: float) -> str | None:
        """None when nothing was said in that time. Raises StreamsUnavailable."""
        with translated(self._redis, "wake"):
            message = self._pubsub.get_message(timeout=timeout_seconds)
        return message["data"].decode() if message else None
