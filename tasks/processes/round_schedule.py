"""In which rounds of a loop something is done that is not done in each."""


class RoundSchedule:
    """Due in the first round, and every so many after one in which it was done. It is retried sooner, and not at once:
    the locks that it asks for may be held for long, and others wait behind each try."""

    def __init__(self, every: int, retry_after: int) -> None:
        self._every = every
        self._retry_after = retry_after
        self._left = 0

    def is_due(self) -> bool:
        """Asked once in each round. Who hears yes and says no `note_done` has failed."""
        self._left -= 1
        if self._left > 0:
            return False
        self._left = self._retry_after
        return True

    def note_done(self) -> None:
        self._left = self._every
