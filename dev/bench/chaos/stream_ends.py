"""Whether readers come to the end of what is committed, over Redis or from the log."""

from collections.abc import Mapping

from services.stores import Stores
from streams import NOWHERE


def find_behind(stores: Stores, ends: Mapping[str, int]) -> list[str]:
    """Of subjects with the number of their last committed event, those whose readers would not come to it: their
    stream ends elsewhere, or they have none and the log is read to another end. From an emptied Redis, what last
    changed long ago gets no stream again."""
    known = stores.streams.positions(ends)
    found = zip(ends.items(), known, strict=True)
    return [
        subject
        for (subject, last), at in found
        if not (_is_read(stores, subject, last) if at == NOWHERE else at.seq == last)
    ]


def _is_read(stores: Stores, subject: str, last: int) -> bool:
    """Whether a reader who lacks the last event gets it, and none beyond it."""
    if last == 0:
        return True
    return [event.seq for event in stores.events.read_after(subject, last - 1).events] == [last]
