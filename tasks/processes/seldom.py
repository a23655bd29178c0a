"""What a loop does in few of its rounds only."""


class Seldom:
    """Due in the first round, and every so many after one in which it was done. Sooner where it failed, and not at
    once: what it asks for may be held for long, and others wait behind each try."""

    def __init__(self, every: int, again_after: int) -> None:
        self._every = every
        self._again_after = again_after
        self._left = 0

    def is_due(self) -> bool:
        """Asked once in each round. Who hears yes and says no `note_done` has failed."""
        self._left -= 1
        if self._left > 0:
            return False
        self._left = self._again_after
        return True

    def note_done(self) -> None:
        self._left = self._every
