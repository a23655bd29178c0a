"""What can go wrong with a stream.

StreamsError
    StreamsUnavailable     Redis did not answer or refused for now; trying again can help
    StreamDamagedError        the keys of this subject hold something that is no stream
    InvalidEventError      the caller's event cannot be stored as it is
    Overtaken              the caller asked to append only as the newest, and is not
"""

from collections.abc import Iterator
from contextlib import contextmanager

import redis


class StreamsError(Exception):
    retryable = False


class StreamsUnavailable(StreamsError):
    retryable = True


class StreamDamagedError(StreamsError):
    pass


class InvalidEventError(StreamsError):
    pass


class Overtaken(StreamsError):
    pass


@contextmanager
def translated(action: str) -> Iterator[None]:
    """Redis' own errors become ours. `action` names what was tried, and never the subject."""
    try:
        yield
    except redis.ResponseError as exc:
        if "WRONGTYPE" in str(exc):  # Redis tells its errors apart by their first word only
            raise StreamDamagedError(f"{action}: a key holds another type") from exc
        raise StreamsUnavailable(f"{action}: {type(exc).__name__}") from exc
    except (redis.RedisError, OSError) as exc:
        raise StreamsUnavailable(f"{action}: {type(exc).__name__}") from exc
