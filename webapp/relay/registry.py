"""How many readers there are: in all of this process, and per subject, address and person of all processes together."""

import itertools
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from core.settings import RelaySettings
from webapp.relay import metrics
from webapp.relay.errors import TooManySocketsError
from webapp.relay.reader_leases import ReaderLeases

_OF_PROCESS = "total"


class ReaderBound(NamedTuple):
    scope: str
    name: bytes
    limit: int


class Tally:
    """How many readers share one name; the readers' slots share the tally."""

    __slots__ = ("count", "name", "scope")

    def __init__(self, scope: str, name: bytes) -> None:
        self.scope = scope
        self.name = name
        self.count = 0


class ReaderSlot:
    """A slot taken; given back once, however often `release` is called."""

    __slots__ = ("_is_released", "_registry", "number", "tallies")

    def __init__(self, registry: "ReaderRegistry", number: int, tallies: Sequence[Tally]) -> None:
        self._registry = registry
        self._is_released = False
        self.number = number
        self.tallies = tallies

    @property
    def sets(self) -> Sequence[bytes]:
        """What it is counted by over all processes."""
        return [tally.name for tally in self.tallies if tally.scope != _OF_PROCESS]

    def release(self) -> None:
        """Does not block."""
        if not self._is_released:
            self._is_released = True
            self._registry.release(self)


class ReaderRegistry:
    """Without leases every bound is one of this process alone."""

    def __init__(self, limits: RelaySettings, leases: ReaderLeases | None = None) -> None:
        self._limits = {
            _OF_PROCESS: limits.sockets_total,
            "address": limits.sockets_per_address,
            "person": limits.sockets_per_person,
        }
        self._leases = leases
        self._fitting: Callable[[], int] = lambda: limits.sockets_total
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._tallies: dict[str, dict[bytes, Tally]] = {_OF_PROCESS: {}, "address": {}, "person": {}, "subject": {}}

    def limit_total_by(self, fitting: Callable[[], int]) -> None:
        """Beside the setting: `fitting` says how many there is room for at present."""
        self._fitting = fitting

    def acquire(
        self,
        subject: str,
        max_readers: int,
        address: str | None,
        person: str | None = None,
        *,
        person_max: int | None = None,
    ) -> ReaderSlot:
        """For a reader of one subject; an `address` of None is not counted. `person_max` is a bound below the setting.
        Blocks for a round trip. Raises TooManySocketsError, and has then taken nothing."""
        of_subject = self._bound("subject", subject, max_readers)
        return self._acquire([*self._of_connection(address, person, person_max), of_subject])

    def acquire_connection(
        self, address: str | None, person: str | None = None, *, person_max: int | None = None
    ) -> ReaderSlot:
        """For a socket that may follow several subjects, and follows none yet. Blocks and raises as `acquire`."""
        return self._acquire(self._of_connection(address, person, person_max))

    def acquire_subject(self, subject: str, max_readers: int) -> ReaderSlot:
        """For one of the subjects of such a socket. Blocks and raises as `acquire`."""
        return self._acquire([self._bound("subject", subject, max_readers)])

    def release(self, slot: ReaderSlot) -> None:
        self._release_locally(slot)
        if self._leases is not None:
            self._leases.release(slot)

    def release_leases(self) -> None:
        """Of all that are here, which have been told to leave: they come back to other processes. Does not block."""
        if self._leases is not None:
            self._leases.release_all()

    def stop(self) -> None:
        """No thread and no connection stays."""
        if self._leases is not None:
            self._leases.stop()

    @property
    def total(self) -> int:
        tally = self._tallies[_OF_PROCESS].get(b"")
        return tally.count if tally is not None else 0

    def _of_connection(self, address: str | None, person: str | None, person_max: int | None) -> list[ReaderBound]:
        wanted = [ReaderBound(_OF_PROCESS, b"", min(self._limits[_OF_PROCESS], self._fitting()))]
        if address is not None:
            wanted.append(self._bound("address", address, self._limits["address"]))
        if person is not None:
            limit = self._limits["person"]
            wanted.append(self._bound("person", person, limit if person_max is None else min(limit, person_max)))
        return wanted

    def _bound(self, scope: str, name: str, limit: int) -> ReaderBound:
        return ReaderBound(scope, self._leases.pseudonym(scope, name) if self._leases else name.encode(), limit)

    def _acquire(self, wanted: Sequence[ReaderBound]) -> ReaderSlot:
        """Here first, which costs nothing; without Redis this bound is all there is."""
        slot = self._acquire_locally(wanted)
        shared = [bound for bound in wanted if bound.scope != _OF_PROCESS]
        if self._leases is not None and shared:
            full = self._leases.acquire(slot, [bound.limit for bound in shared])
            if full is not None:
                self._release_locally(slot)
                raise _refuse(shared[full].scope)
        return slot

    def _acquire_locally(self, wanted: Sequence[ReaderBound]) -> ReaderSlot:
        with self._lock:
            for scope, name, limit in wanted:
                tally = self._tallies[scope].get(name)
                if tally is not None and tally.count >= limit:
                    raise _refuse(scope)
            return ReaderSlot(self, next(self._numbers), tuple(self._count(scope, name) for scope, name, _ in wanted))

    def _release_locally(self, slot: ReaderSlot) -> None:
        with self._lock:
            for tally in slot.tallies:
                tally.count -= 1
                if not tally.count:
                    del self._tallies[tally.scope][tally.name]

    def _count(self, scope: str, name: bytes) -> Tally:
        tally = self._tallies[scope].get(name)
        if tally is None:
            tally = self._tallies[scope][name] = Tally(scope, name)
        tally.count += 1
        return tally


def _refuse(scope: str) -> TooManySocketsError:
    metrics.REFUSED.labels(scope).inc()
    return TooManySocketsError(scope)
