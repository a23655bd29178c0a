"""What can go wrong with a stream.

StreamsError
    StreamsUnavailable     Redis did not answer or refused for now; trying again can help
    StreamDamagedError     the keys of this subject hold something that is no stream
    InvalidEventError      the caller's event cannot be stored as it is
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis


class StreamsError(Exception):
    retryable = False


class StreamsUnavailable(StreamsError):
    retryable = True


class StreamDamagedError(StreamsError):
    pass


class InvalidEventError(StreamsError):
    pass


@contextmanager
def translated(client: Any, action: str) -> Iterator[None]:
    """Redis' own errors become ours. `action` names what was tried, and never the subject."""
    try:
        yield
    except redis.ResponseError as exc:
        if "WRONGTYPE" in str(exc):  # Redis tells its errors apart by their first word only
            raise StreamDamagedError(f"{action}: a key holds another type") from exc
        # READONLY, LOADING, OOM, UNBLOCKED ...: this server takes no writes, however long its connections stay open.
        drop_connections(client)
        raise StreamsUnavailable(f"{action}: {type(exc).__name__}") from exc
    except (redis.RedisError, OSError) as exc:
        raise StreamsUnavailable(f"{action}: {type(exc).__name__}") from exc


def drop_connections(client: Any) -> None:
    """Have the next command connect anew, to whatever answers at the address by then."""
    client.connection_pool.disconnect()
