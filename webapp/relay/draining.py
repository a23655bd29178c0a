"""gunicorn's hooks, so that a stopping worker sends its readers away before it goes."""

import threading
from typing import Any

from webapp.relay.relay import Relay

_LOOK_SECONDS = 0.25


def drain_when_stopped(worker: Any, relay: Relay) -> None:
    """For `post_worker_init`: readers are told at SIGTERM; the worker waits for SSE answers, which end by it."""

    def watch() -> None:
        pause = threading.Event()
        while worker.alive:
            pause.wait(_LOOK_SECONDS)
        relay.drain()

    threading.Thread(target=watch, name="relay-drain", daemon=True).start()


def drain_at_exit(relay: Relay) -> None:
    """For `worker_exit`: sockets have left the worker, so it would not wait for them."""
    relay.drain()
    relay.stop()
