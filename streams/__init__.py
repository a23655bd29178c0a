"""Ordered, replayable streams of events on Redis, one per subject: append, read after a number, look, forget."""

from streams.errors import InvalidEventError, Overtaken, StreamDamagedError, StreamsError, StreamsUnavailable
from streams.events import NewEvent, Page, Position, Projection, StoredEvent
from streams.store import Streams

__all__ = [
    "InvalidEventError",
    "NewEvent",
    "Overtaken",
    "Page",
    "Position",
    "Projection",
    "StoredEvent",
    "StreamDamagedError",
    "Streams",
    "StreamsError",
    "StreamsUnavailable",
]
