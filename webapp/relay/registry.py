"""How many readers this process serves: in all, per subject, per address and per person."""

import threading
from collections import Counter

from webapp.relay import metrics
from webapp.relay.errors import TooManySocketsError
from webapp.relay.limits import Limits

Key = tuple[str, str]


class Admission:
    """A place taken; given back once, however often `leave` is called."""

    __slots__ = ("_keys", "_registry")

    def __init__(self, registry: "Registry", keys: tuple[Key, ...]) -> None:
        self._registry = registry
        self._keys: tuple[Key, ...] | None = keys

    def leave(self) -> None:
        keys, self._keys = self._keys, None
        if keys is not None:
            self._registry.give_back(keys)


class Registry:
    def __init__(self, limits: Limits) -> None:
        self._limits = {
            "total": limits.sockets_total,
            "subject": limits.sockets_per_subject,
            "address": limits.sockets_per_address,
            "person": limits.sockets_per_person,
        }
        self._lock = threading.Lock()
        self._counts: Counter[Key] = Counter()

    def enter(self, subject: str, address: str, person: str | None = None) -> Admission:
        """Raises TooManySocketsError, and has then taken nothing."""
        keys: tuple[Key, ...] = (("total", ""), ("subject", subject), ("address", address))
        if person is not None:
            keys += (("person", person),)
        with self._lock:
            for key in keys:
                if self._counts.get(key, 0) >= self._limits[key[0]]:
                    metrics.REFUSED.labels(key[0]).inc()
                    raise TooManySocketsError(key[0])
            self._counts.update(keys)
        return Admission(self, keys)

    def give_back(self, keys: tuple[Key, ...]) -> None:
        with self._lock:
            for key in keys:
                self._counts[key] -= 1
                if not self._counts[key]:
                    del self._counts[key]

    @property
    def total(self) -> int:
        return self._counts.get(("total", ""), 0)
