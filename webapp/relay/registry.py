"""How many readers this process serves: in all, per subject, per address and per person."""

import threading
from collections.abc import Callable, Sequence

from webapp.relay import metrics
from webapp.relay.errors import TooManySocketsError
from webapp.relay.limits import RelayLimits


class Tally:
    """How many readers share one name; the readers' slots share the tally."""

    __slots__ = ("count", "name", "scope")

    def __init__(self, scope: str, name: str) -> None:
        self.scope = scope
        self.name = name
        self.count = 0


class ReaderSlot:
    """A slot taken; given back once, however often `release` is called."""

    __slots__ = ("_registry", "_tallies")

    def __init__(self, registry: "ReaderRegistry", tallies: Sequence[Tally]) -> None:
        self._registry = registry
        self._tallies = tallies

    def release(self) -> None:
        tallies, self._tallies = self._tallies, ()
        self._registry.give_back(tallies)


class ReaderRegistry:
    def __init__(self, limits: RelayLimits) -> None:
        self._limits = {
            "total": limits.sockets_total,
            "address": limits.sockets_per_address,
            "person": limits.sockets_per_person,
        }
        self._fitting: Callable[[], int] = lambda: limits.sockets_total
        self._lock = threading.Lock()
        self._tallies: dict[str, dict[str, Tally]] = {"total": {}, "address": {}, "person": {}, "subject": {}}

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
        Raises TooManySocketsError, and has then taken nothing."""
        return self._take([*self._of_connection(address, person, person_max), ("subject", subject, max_readers)])

    def acquire_connection(
        self, address: str | None, person: str | None = None, *, person_max: int | None = None
    ) -> ReaderSlot:
        """For a socket that may follow several subjects, and follows none yet. Raises as `acquire`."""
        return self._take(self._of_connection(address, person, person_max))

    def acquire_subject(self, subject: str, max_readers: int) -> ReaderSlot:
        """For one of the subjects of such a socket. Raises as `acquire`."""
        return self._take([("subject", subject, max_readers)])

    def give_back(self, tallies: Sequence[Tally]) -> None:
        with self._lock:
            for tally in tallies:
                tally.count -= 1
                if not tally.count:
                    del self._tallies[tally.scope][tally.name]

    @property
    def total(self) -> int:
        tally = self._tallies["total"].get("")
        return tally.count if tally is not None else 0

    def _of_connection(
        self, address: str | None, person: str | None, person_max: int | None = None
    ) -> list[tuple[str, str, int]]:
        wanted = [("total", "", min(self._limits["total"], self._fitting()))]
        if address is not None:
            wanted.append(("address", address, self._limits["address"]))
        if person is not None:
            limit = self._limits["person"]
            wanted.append(("person", person, limit if person_max is None else min(limit, person_max)))
        return wanted

    def _take(self, wanted: Sequence[tuple[str, str, int]]) -> ReaderSlot:
        with self._lock:
            for scope, name, limit in wanted:
                tally = self._tallies[scope].get(name)
                if tally is not None and tally.count >= limit:
                    metrics.REFUSED.labels(scope).inc()
                    raise TooManySocketsError(scope)
            return ReaderSlot(self, tuple(self._count(scope, name) for scope, name, _ in wanted))

    def _count(self, scope: str, name: str) -> Tally:
        tally = self._tallies[scope].get(name)
        if tally is None:
            tally = self._tallies[scope][name] = Tally(scope, name)
        tally.count += 1
        return tally
