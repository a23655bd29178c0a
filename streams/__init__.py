"""Ordered, replayable streams of events on Redis, one per subject: append what is numbered, read after a number."""

from streams.errors import InvalidEventError, StreamDamagedError, StreamsError, StreamsUnavailable
from streams.events import NOWHERE, EventBatch, Page, Position, Projection, StoredEvent, encode_body
from streams.store import StreamPolicy, Streams, covers

__all__ = [
    "NOWHERE",
    "EventBatch",
    "InvalidEventError",
    "Page",
    "Position",
    "Projection",
    "StoredEvent",
    "StreamDamagedError",
    "StreamPolicy",
    "Streams",
    "StreamsError",
    "StreamsUnavailable",
    "covers",
    "encode_body",
]
