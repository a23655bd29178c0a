"""Subscribes to the events of all sessions, and lets a load wait for one of them."""

import threading
import time
from typing import Any, Self

import orjson
from redis import Redis

_WAIT_SECONDS = 120


class EventListener:
    """Events are known by their type, those of `streaming_status` by their status."""

    def __init__(self, url: str) -> None:
        self._subscription = Redis.from_url(url).pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]  # redis-py's
        self._received: dict[tuple[str, str], tuple[float, dict[str, Any]]] = {}
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> Self:
        self._subscription.psubscribe("stream:*:pub")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()
        self._subscription.close()

    def received_at(self, session_id: str, name: str) -> float | None:
        """When (monotonic), or None: not yet."""
        found = self._received.get((session_id, name))
        return found[0] if found else None

    def wait_for(self, session_id: str, name: str) -> tuple[float, dict[str, Any]]:
        """When, and the event itself."""
        with self._changed:
            has_come = self._changed.wait_for(lambda: (session_id, name) in self._received, _WAIT_SECONDS)
        assert has_come, f"{name} does not come"
        return self._received[session_id, name]

    def wait_for_any(self) -> None:
        """Until some event came in, or a moment has passed."""
        with self._changed:
            self._changed.wait(0.02)

    def _listen(self) -> None:
        while not self._closing.is_set():
            message = self._subscription.get_message(timeout=0.2)
            if message is None:
                continue
            moment, event = time.monotonic(), orjson.loads(message["data"].partition(b" ")[2])
            name = event["status"] if event["type"] == "streaming_status" else event["type"]
            with self._changed:
                self._received[event["session_id"], name] = moment, event
                self._changed.notify_all()
