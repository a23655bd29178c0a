"""What the sockets of a soak follow, and who writes: one workload per domain."""

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from dev.bench.relay.websocket_client import ConnectRequest
from dev.bench.soak.workloads.collection import open_collection


class SoakWorkload(Protocol):
    """A web process, and readers known by their number, each of whom follows one stream of events."""

    @property
    def pid(self) -> int:
        """Of the process whose tree's CPU is measured."""

    @property
    def serving_pid(self) -> int:
        """Of the process whose memory is measured."""

    def connect_request(self, reader: int, after: int) -> ConnectRequest:
        """To follow the reader's stream after this number; 0 for all of it."""

    def write(self, rng: random.Random) -> None:
        """One event, to a stream of its choice."""

    def written(self, reader: int) -> int:
        """The number of the last event that this reader has to get, as this process knows it."""

    def stored(self, reader: int) -> int:
        """The same, as the stream itself says it."""


# Each is given the number of readers.
WORKLOADS: dict[str, Callable[[int], AbstractContextManager[SoakWorkload]]] = {"collection": open_collection}

__all__ = ["WORKLOADS", "SoakWorkload"]
