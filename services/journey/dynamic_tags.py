"""Dynamic tags: their keys, sealed, and their readings, each of which is taken once.

A scan of a dynamic tag is none without what its chip has just said. Errors: those of `services.journey.tags`.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid5

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.sealing import Sealer, SealError
from models.journey import NfcTag, TagAction, TagLog
from services.journey.sun import SunInvalid, SunPair, read_sun
from services.journey.tags import ScannedBy, TagReplayed, TagUnknown, canonical_uid, log_scan

# A phone whose answer was lost sends the same once more: for as long as somebody stands before the tag.
_SENT_AGAIN = timedelta(minutes=2)
_READINGS = UUID("5f0d1c6e-6a0b-4d0e-9b55-0b7d2c1f8e43")


@dataclass(frozen=True)
class LoggedScan:
    """`is_logged`: it was written down, and not within three seconds before. `first` is what it was logged as, where
    it was sent again by the same person or device. `reading_id` is the same for the same reading; None of a static
    tag."""

    is_logged: bool
    first: TagAction | None = None
    reading_id: UUID | None = None


class TagKeys:
    """Built once from the settings. Keys go in and come out of nowhere but here."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def set(self, tag: NfcTag, key: str | None) -> None:
        """`key` are 32 hexadecimal digits; None makes the tag a static one. With another key the chip counts anew; the
        same one once more must not let readings of before in again."""
        if key is None:
            tag.sun_key = None
        elif not self._has(tag, key):
            tag.sun_key = self.seal(tag.tag_id, key)
            tag.sun_counter = None

    def seal(self, tag_id: str, key: str) -> str:
        return self._sealer.seal_text(key.upper(), sun_key_context(tag_id))

    def read_counter(self, tag: NfcTag, pair: SunPair | None) -> int | None:
        """How often the chip was read, as it says itself; None of a static tag. Raises TagUnknown for what this tag's
        chip has not said, SealError."""
        if tag.sun_key is None:
            return None
        if pair is None:
            raise TagUnknown
        try:
            reading = read_sun(bytes.fromhex(self._open(tag.sun_key, tag.tag_id)), pair)
        except SunInvalid as exc:
            raise TagUnknown from exc
        if canonical_uid(reading.uid.hex()) != tag.tag_uid:
            raise TagUnknown
        return reading.counter

    def _has(self, tag: NfcTag, key: str) -> bool:
        try:
            return tag.sun_key is not None and self._open(tag.sun_key, tag.tag_id) == key.upper()
        except SealError:  # what nobody can open any more is replaced
            return False

    def _open(self, sealed: str, tag_id: str) -> str:
        return self._sealer.open_text(sealed, sun_key_context(tag_id))


def sun_key_context(tag_id: str) -> str:
    """What the seal of a tag's key is bound to."""
    return f"tag_sun_key:{tag_id}"


def take_reading(session: Session, keys: TagKeys, tag: NfcTag, pair: SunPair | None) -> int | None:
    """The count of this reading, which nobody takes after it; None of a static tag. Locks the row of a dynamic tag
    until the end of the transaction, after all rows of a person. Raises TagUnknown, TagReplayed."""
    if keys.read_counter(tag, pair) is None:  # before the lock: what is forged makes nobody wait
        return None
    query = select(NfcTag).where(NfcTag.tag_id == tag.tag_id).with_for_update(key_share=True)
    locked = session.scalars(query.execution_options(populate_existing=True)).one()
    counter = keys.read_counter(locked, pair)
    if counter is None:  # its key was taken away meanwhile
        return None
    if locked.sun_counter is not None and counter <= locked.sun_counter:
        raise TagReplayed(tag.tag_id, counter)
    locked.sun_counter = counter
    session.flush()
    return counter


def log_reading(
    session: Session, keys: TagKeys, action: TagAction, *, tag_id: str, pair: SunPair | None, said: str, by: ScannedBy
) -> LoggedScan:
    """Log the scan of a tag that was found; of a dynamic one, take its reading. Raises TagUnknown, TagReplayed."""
    tag = session.get_one(NfcTag, tag_id)
    try:
        counter = take_reading(session, keys, tag, pair)
    except TagReplayed as exc:
        first = _find_first(session, exc, by)
        if first is None:
            raise
        return LoggedScan(is_logged=False, first=first, reading_id=_reading_id(tag_id, pair))
    is_logged = log_scan(session, action, tag_id=tag_id, said=said, by=by, counter=counter)
    return LoggedScan(is_logged, reading_id=None if counter is None else _reading_id(tag_id, pair))


def _reading_id(tag_id: str, pair: SunPair | None) -> UUID | None:
    return None if pair is None else uuid5(_READINGS, f"{tag_id}:{pair.e.upper()}")


def _find_first(session: Session, replayed: TagReplayed, by: ScannedBy) -> TagAction | None:
    """What this very reading was logged as a moment ago, by the same person, or by the same device without one."""
    if by.user_id is None and by.device_id is None:
        return None
    whose = [TagLog.user_id == by.user_id] if by.user_id is not None else []
    whose = whose or [TagLog.user_id.is_(None), TagLog.device_id == by.device_id]
    query = select(TagLog.action).where(
        *whose,
        TagLog.tag_id == replayed.tag_id,
        TagLog.counter == replayed.counter,
        TagLog.created_at > func.clock_timestamp() - _SENT_AGAIN,
    )
    found = session.scalar(query.order_by(TagLog.id.desc()).limit(1))
    return None if found is None else TagAction(found)
