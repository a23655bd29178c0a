"""How many readers this process serves: in all, per subject, per address and per person."""

import threading
from collections import Counter

from webapp.relay import metrics
from webapp.relay.errors import TooManySocketsError
from webapp.relay.limits import RelayLimits

Key = tuple[str, str]


class ReaderSlot:
    """A slot taken; given back once, however often `release` is called."""

    __slots__ = ("_address", "_person", "_registry", "_subject")

    def __init__(self, registry: "ReaderRegistry", subject: str, address: str, person: str | None) -> None:
        self._registry: ReaderRegistry | None = registry
        self._subject = subject
        self._address = address
        self._person = person

    def release(self) -> None:
        registry, self._registry = self._registry, None
        if registry is not None:
            registry.give_back(_keys(self._subject, self._address, self._person))


def _keys(subject: str, address: str, person: str | None) -> list[Key]:
    """Made when needed: kept, they would weigh as much as all the rest of a slot."""
    keys = [("total", ""), ("subject", subject), ("address", address)]
    return keys if person is None else [*keys, ("person", person)]


class ReaderRegistry:
    def __init__(self, limits: RelayLimits) -> None:
        self._limits = {
            "total": limits.sockets_total,
            "subject": limits.sockets_per_subject,
            "address": limits.sockets_per_address,
            "person": limits.sockets_per_person,
        }
        self._lock = threading.Lock()
        self._counts: Counter[Key] = Counter()

    def acquire(self, subject: str, address: str, person: str | None = None) -> ReaderSlot:
        """Raises TooManySocketsError, and has then taken nothing."""
        keys = _keys(subject, address, person)
        with self._lock:
            for key in keys:
                if self._counts.get(key, 0) >= self._limits[key[0]]:
                    metrics.REFUSED.labels(key[0]).inc()
                    raise TooManySocketsError(key[0])
            self._counts.update(keys)
        return ReaderSlot(self, subject, address, person)

    def give_back(self, keys: list[Key]) -> None:
        with self._lock:
            for key in keys:
                self._counts[key] -= 1
                if not self._counts[key]:
                    del self._counts[key]

    @property
    def total(self) -> int:
        return self._counts.get(("total", ""), 0)
