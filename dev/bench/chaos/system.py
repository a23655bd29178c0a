"""What is harmed, and by which faults, as the engine sees both: the product on one machine, or on the hosts of a data
centre."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import psutil

from dev.bench.chaos.faults import Injector, KillMoment


@dataclass(frozen=True)
class StorePorts:
    """Where the product's sockets lead. `pooled` are those whose connections are closed at their next use."""

    postgres: int
    redis: int
    pooled: frozenset[int]


class IncomingWatch(Protocol):
    """Sees each answer of a provider get its durable place in `incoming/`."""

    @property
    def arrived(self) -> Mapping[str, Sequence[float]]:
        """The moments, by name."""

    def start(self) -> None: ...


class SystemUnderTest(Protocol):
    """The whole product. Its addresses are known, and its stores and their tables there, once it is `opened`; its
    processes belong to the thread that opens it. What the engine asks goes past the faults where it can."""

    @property
    def env(self) -> Mapping[str, str]:
        """Of the product's processes."""

    @property
    def web_url(self) -> str: ...

    @property
    def sandbox_url(self) -> str: ...

    @property
    def database_url(self) -> str: ...

    @property
    def monitored_brokers(self) -> Sequence[str]:
        """Addresses of brokers whose messages can be seen on their way (MONITOR)."""

    @property
    def store_ports(self) -> StorePorts: ...

    def opened(self) -> AbstractContextManager[object]: ...

    def start_programs(self) -> None:
        """All of them; returns when they answer."""

    def processes(self) -> list[psutil.Process]:
        """Those of the product, with their children."""

    def sockets_of(self, process: psutil.Process) -> Sequence[Any]:
        """Its connections by TCP, as psutil tells them. Raises psutil.Error."""

    def queue_sizes(self) -> Mapping[str, int]:
        """How many messages wait in each queue of the broker."""

    def watch_incoming(self) -> IncomingWatch: ...


class FaultSource(Protocol):
    """The faults that one kind of system knows. From the thread that owns it."""

    def all(self) -> dict[str, Injector]: ...

    def at_moment(self, moment: KillMoment) -> Injector:
        """A fault that befalls who stands at a moment which the workload knows."""

    def run_due(self) -> bool:
        """Ends every cause that is due; False when none is left for later."""

    def supervise(self) -> Sequence[str]:
        """Has what ended by itself started again, and names it."""
