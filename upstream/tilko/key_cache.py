"""Keeps the provider's parsed public key for a while, so that a changed key is noticed without a restart."""

from core.clock import clock
from upstream.tilko.codec import PublicKey

_MAX_AGE_SECONDS = 3600.0


class KeyCache:
    def __init__(self) -> None:
        self._kept: tuple[PublicKey, float] | None = None

    def get(self) -> PublicKey | None:
        if self._kept is None or clock.monotonic() > self._kept[1]:
            return None
        return self._kept[0]

    def put(self, key: PublicKey) -> None:
        self._kept = (key, clock.monotonic() + _MAX_AGE_SECONDS)

    def clear(self) -> None:
        self._kept = None
