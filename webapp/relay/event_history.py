"""What the relay reads events from: whoever wires it decides which stores are asked."""

from collections.abc import Mapping
from typing import Protocol

from streams import Page, Position


class EventHistory(Protocol):
    """May block on a network, so it is never called on the loop. Raises StreamsError."""

    def read_after(self, subject: str, seq: int, epoch: str | None, limit: int, max_bytes: int) -> Page:
        """The next events, at most `limit`, and at most `max_bytes` of them unless the first alone is longer.

        Without an epoch the number alone decides. `gone` says that what came after that position cannot be told any
        more; the history then begins anew at `Page.position`.
        """

    def find_end(self, subject: str) -> Position:
        """For whoever begins there: what comes after it is told."""

    def moved(self, places: Mapping[str, Position]) -> list[str]:
        """The subjects, of many at once, that may end elsewhere than believed."""
