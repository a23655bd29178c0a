"""Whose turn it is to make the paid call of a step."""

import math
import time
from dataclasses import dataclass


class CallStands(Exception):
    """Another process's call may still be under way: it is waited for."""

    retryable = True
    reason = "call_under_way"

    def __init__(self, seconds_left: float) -> None:
        super().__init__()
        self.seconds_left = seconds_left


class CallTooLate(Exception):
    """So much of the call's time was over before it could leave that it could not end in time. Nothing was sent."""

    retryable = True
    reason = "call_too_late"


@dataclass
class CallTurn:
    """Moments are of the monotonic clock.

    `began_at`      the deadline in the row was written after it, for this process
    `stands_until`  another's call may be under way until then
    `asks_again`    another's time is over, and its outcome was never written
    """

    began_at: float = -math.inf
    stands_until: float | None = None
    asks_again: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether the deadline in the row, if there is one, is that of our own call."""
        return self.stands_until is None and not self.asks_again

    def require(self) -> None:
        """Raises CallStands while it is another's turn."""
        if self.stands_until is not None:
            raise CallStands(max(self.stands_until - time.monotonic(), 0))

    def begin(self, began_at: float) -> None:
        """It is ours from now on."""
        self.began_at, self.asks_again = began_at, False
