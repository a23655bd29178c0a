"""What the product's own web process serves in the benches of sockets: one workload per domain."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from dev.bench.relay.workloads.collection import CollectionStreams

EventBody = dict[str, Any]


class RelayWorkload(Protocol):
    """Streams, known by their number, that sockets follow and somebody writes to. They live as long as the stores they
    are in, whichever web process is asked for them."""

    @property
    def settings(self) -> Mapping[str, str]:
        """Of the web process: limits are for people, and the bench is one address with very many sockets."""

    @property
    def max_readers(self) -> int:
        """How many sockets may follow one stream."""

    def create(self, count: int) -> None:
        """As many as are missing. Raises ClientError when they cannot be served as they are in production."""

    def path(self, stream: int, after: int) -> str:
        """Of the WebSocket that follows it from there on."""

    def token(self, stream: int) -> str:
        """For the Authorization header."""

    def event_body(self, name: str) -> EventBody:
        """An event of usual size; the peers send it, too. `at` is when it was made, in nanoseconds of the monotonic
        clock, which all processes of a machine share."""

    def append(self, stream: int, bodies: Sequence[EventBody]) -> int:
        """Number, keep and publish them; the number of the last."""

    def last_seq(self, stream: int) -> int:
        """As the stream itself says it."""

    def close(self) -> None: ...


WORKLOADS: dict[str, Callable[[Mapping[str, str]], RelayWorkload]] = {"collection": CollectionStreams}

__all__ = ["WORKLOADS", "EventBody", "RelayWorkload"]
