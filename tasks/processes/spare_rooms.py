"""Room on disk for the answers of polls that may bring one: set aside before any of them leaves."""

from services.collection.paid_calls import CHECKUPS
from spool import Room, Spool, StorageFault

# Thousands of polls find nothing for each that brings an answer, so a room for each of them would only cost.
_SPARE = 4


class SpareRooms:
    """A few rooms, whichever poll needs them."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._rooms: list[Room] = []

    @property
    def are_spare(self) -> bool:
        return bool(self._rooms)

    def require(self) -> None:
        """Raises StorageFault when not a single one can be had: then nobody is to be asked."""
        if self._rooms:
            return
        for _ in range(_SPARE):
            try:
                self._rooms.append(self._spool.reserve_room(CHECKUPS.room_bytes))
            except StorageFault:
                if self._rooms:  # fewer than wanted are enough
                    return
                raise

    def take(self) -> Room | None:
        """None when more answers came at once than there is room for."""
        return self._rooms.pop() if self._rooms else None

    def close(self) -> None:
        while self._rooms:
            self._rooms.pop().close()
