"""Tags on the hospital's walls: which one was scanned, and the log of scans.

A tag grants no right: whoever copies a static one can arrive by it, and that is all; what a dynamic one says is taken
once (`services.journey.dynamic_tags`). Errors: TagError (not retryable) > TagUnknown, TagInactive, TagReplayed.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, false, func, or_, select, update
from sqlalchemy.orm import Session

from models.journey import NfcTag, RetiredTagCode, TagAction, TagLog
from services.advisory_locks import lock_name
from services.journey.hospital_cache import KnownTags, TagFacts, read_tags

_ONE_SCAN = timedelta(seconds=3)
_UID_BYTES = frozenset({4, 7, 10})
_UID = re.compile(r"[0-9A-Fa-f]{2}([:-]?[0-9A-Fa-f]{2}){3,9}", re.ASCII)
_SHORT_CODE = re.compile(r"[A-Z2-7]{4}-[A-Z2-7]{4}", re.ASCII)


class TagError(Exception):
    """The scan leads nowhere. `tag_id` is None where no tag is known."""

    retryable = False

    def __init__(self, tag_id: str | None = None) -> None:
        super().__init__(tag_id)
        self.tag_id = tag_id


class TagUnknown(TagError):
    """Nothing on our walls says this."""


class TagInactive(TagError):
    """It is switched off, or its code was replaced."""


class TagReplayed(TagError):
    """A dynamic tag said this before: `counter` is no greater than one that was taken."""

    def __init__(self, tag_id: str, counter: int) -> None:
        super().__init__(tag_id)
        self.counter = counter


@dataclass(frozen=True)
class ScannedBy:
    """Who holds the phone, as far as is known."""

    user_id: UUID | None = None
    device_id: str | None = None


@dataclass(frozen=True)
class FoundTag:
    """What a scan has found. `is_logged`: the finder has written it down, and not within three seconds before.
    `counter` is the reading of a dynamic tag that it has taken."""

    tag_id: str
    is_logged: bool
    counter: int | None = None


def canonical_uid(text: str) -> str | None:
    """As `04:10:0A:...`; None for what is no UID of 4, 7 or 10 bytes."""
    digits = re.sub("[:-]", "", text).upper()
    if not _UID.fullmatch(text) or len(digits) // 2 not in _UID_BYTES:
        return None
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))


def short_code_of(tag_code: str) -> str:
    """What is printed on the tag for who has to type it."""
    return _short_code_of_hash(hash_code(tag_code))


def _short_code_of_hash(code_hash: str) -> str:
    letters = base64.b32encode(bytes.fromhex(code_hash)).decode()
    return f"{letters[:4]}-{letters[4:8]}"


def is_short_code(text: str) -> bool:
    return _SHORT_CODE.fullmatch(text) is not None


def hash_code(tag_code: str) -> str:
    return hashlib.sha256(tag_code.encode()).hexdigest()


def find_tag(known: KnownTags, *, tag_uid: str | None = None, tag_code: str | None = None) -> TagFacts:
    """By its chip's UID, in the canonical form, or by its code, also as it is typed. Raises TagUnknown, TagInactive."""
    if tag_code is not None and (retired := _find_retired(known, tag_code)):
        raise TagInactive(retired)
    found = next((tag for tag in known.tags if _is_meant(tag, tag_uid, tag_code)), None)
    if found is None:
        raise TagUnknown
    if not found.is_active:
        raise TagInactive(found.tag_id)
    return found


def read_named_tags(session: Session, *, tag_uid: str | None = None, tag_code: str | None = None) -> KnownTags:
    """Those that `find_tag` needs for what is named, as they are at this moment."""
    if tag_code is None:
        return read_tags(session, NfcTag.tag_uid == tag_uid, false())
    if not is_short_code(tag_code):
        return read_tags(session, NfcTag.tag_code == tag_code, RetiredTagCode.code_hash == hash_code(tag_code))
    digits = base64.b32decode(tag_code.replace("-", "")).hex()
    known = func.encode(func.sha256(func.convert_to(NfcTag.tag_code, "UTF8")), "hex")
    return read_tags(session, known.startswith(digits), RetiredTagCode.code_hash.startswith(digits))


def _find_retired(known: KnownTags, tag_code: str) -> str | None:
    """The tag that had this code, also as it was printed on it to be typed."""
    if is_short_code(tag_code):
        by_short_code = {_short_code_of_hash(one): tag_id for one, tag_id in known.retired_codes.items()}
        return by_short_code.get(tag_code)
    return known.retired_codes.get(hash_code(tag_code))


def _is_meant(tag: TagFacts, tag_uid: str | None, tag_code: str | None) -> bool:
    if tag_uid is not None:
        return tag.tag_uid == tag_uid
    if tag_code is not None and is_short_code(tag_code):
        return short_code_of(tag.tag_code) == tag_code
    return tag.tag_code == tag_code


def log_scan(
    session: Session, action: TagAction, *, tag_id: str | None, said: str, by: ScannedBy, counter: int | None = None
) -> bool:
    """`said` is what the scan named the tag by, `counter` the reading of a dynamic one. False for the same scan within
    three seconds: its row then says the later reading, and nothing else is written."""
    said_hash = hash_code(said)
    _lock_scans(session, tag_id or said_hash, by)
    same = TagLog.tag_id == tag_id if tag_id is not None else TagLog.tag_uid_hash == said_hash
    # A reading that was taken is not the same scan as one that was refused before it.
    logged = _find_logged(session, by, same, *([] if counter is None else [TagLog.counter.is_not(None)]))
    if logged is not None:
        if counter is not None:
            session.execute(update(TagLog).where(TagLog.id == logged).values(counter=counter))
        return False
    whose = {"user_id": by.user_id, "device_id": by.device_id}
    session.add(TagLog(tag_id=tag_id, tag_uid_hash=said_hash, action=action, counter=counter, **whose))
    session.flush()
    return True


def _lock_scans(session: Session, scanned: str, by: ScannedBy) -> None:
    """Until the end of the transaction: of the same scan twice at once the second sees the first."""
    holders = sorted(str(holder) for holder in (by.user_id, by.device_id) if holder is not None)
    for holder in holders:
        lock_name(session, f"tag-scan:{scanned}:{holder}")


def _find_logged(session: Session, by: ScannedBy, *same: ColumnElement[bool]) -> int | None:
    """The row of the last such scan by the same person or device within three seconds."""
    if by.user_id is None and by.device_id is None:
        return None
    whose = [TagLog.user_id == by.user_id] if by.user_id is not None else []
    whose += [TagLog.device_id == by.device_id] if by.device_id is not None else []
    lately = TagLog.created_at > func.clock_timestamp() - _ONE_SCAN
    query = select(TagLog.id).where(or_(*whose), *same, lately)
    return session.scalar(query.order_by(TagLog.id.desc()).limit(1))
