"""Keeps the provider's parsed public key for a while, so that a changed key is noticed without a restart."""

from core.clock import clock
from upstream.tilko.codec import PublicKey
from upstream.tilko.errors import AnswerUnreadable, TilkoError, TilkoRefused

_MAX_AGE_SECONDS = 3600.0
# A lasting refusal asks for no key at each call.
_MIN_REFRESH_SECONDS = 10.0
# What a provider that cannot open our ENC-KEY may answer besides a refusal in words.
_STATUSES = frozenset({400, 500})


class KeyCache:
    def __init__(self) -> None:
        self._kept: tuple[PublicKey, float] | None = None

    def get(self) -> PublicKey | None:
        if self._kept is None or clock.monotonic() > self._kept[1] + _MAX_AGE_SECONDS:
            return None
        return self._kept[0]

    def put(self, key: PublicKey) -> None:
        self._kept = (key, clock.monotonic())

    def invalidate_if_rejected(self, used: PublicKey, error: TilkoError) -> bool:
        """Whether this error may mean that the provider has rotated its key: then the one that was used is asked for
        again by the next call, unless it was fetched just now."""
        if isinstance(error, AnswerUnreadable):  # so the key was right, and what came may have been paid for
            return False
        if not (isinstance(error, TilkoRefused) or error.http_status in _STATUSES):
            return False
        kept = self._kept
        if kept is not None and kept[0] is used and clock.monotonic() > kept[1] + _MIN_REFRESH_SECONDS:
            self._kept = None
        return True
