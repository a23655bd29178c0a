"""The hospital itself, as its admins set it up: exams, rooms, tags, displays.

Errors: HospitalError (not retryable) > AlreadyThere, NotThere, UnknownReference, KeyUnfit.
"""

import hashlib
import secrets
from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core.names import hall_subject
from models.journey import Display, Exam, HospitalRoom, NfcTag, RetiredTagCode
from models.table import Table
from services.delivery.unit_of_work import Work
from services.journey.dynamic_tags import TagKeys
from services.journey.sun import UID_BYTES
from services.journey.tags import hash_code

_CODE_BYTES, _KEY_BYTES = 16, 32
RowT = TypeVar("RowT", bound=Table)


class HospitalError(Exception):
    """It cannot be set up like this. `field` is the one at fault."""

    retryable = False

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class AlreadyThere(HospitalError):
    """Another one has this id."""


class NotThere(HospitalError):
    """Nothing has this id."""


class UnknownReference(HospitalError):
    """It names an exam or a room that is not there."""


class KeyUnfit(HospitalError):
    """A dynamic tag's UID has seven bytes: another chip says nothing of itself."""


def list_rows(session: Session, model: type[RowT]) -> list[RowT]:
    """In the order of their ids."""
    return list(session.scalars(select(model).order_by(*model.__mapper__.primary_key)))


def add_row(session: Session, model: type[RowT], values: Mapping[str, Any]) -> RowT:
    """Raises AlreadyThere, UnknownReference."""
    (key,) = model.__mapper__.primary_key
    _check_references(session, {name: value for name, value in values.items() if name != key.key})
    made: RowT | None = session.scalar(insert(model).values(dict(values)).on_conflict_do_nothing().returning(model))
    if made is None:
        raise AlreadyThere(str(key.key))
    return made


def change_row(session: Session, model: type[RowT], row_id: str, values: Mapping[str, Any]) -> RowT:
    """Raises NotThere, UnknownReference."""
    (key,) = model.__mapper__.primary_key
    row = session.get(model, row_id, with_for_update=True)
    if row is None:
        raise NotThere(str(key.key))
    _check_references(session, values)
    for name, value in values.items():
        setattr(row, name, value)
    session.flush()
    return row


def _check_references(session: Session, values: Mapping[str, Any]) -> None:
    room_id = values.get("room_id")
    if room_id is not None and session.get(HospitalRoom, room_id) is None:
        raise UnknownReference("room_id")
    exam_ids = set(values.get("exam_ids") or ())
    if exam_ids - set(session.scalars(select(Exam.exam_id).where(Exam.exam_id.in_(exam_ids)))):
        raise UnknownReference("exam_ids")


def add_tag(session: Session, keys: TagKeys, values: Mapping[str, Any]) -> NfcTag:
    """With a code that nobody guesses. `sun_key`, 32 hexadecimal digits, makes it a dynamic one. Raises AlreadyThere,
    UnknownReference, KeyUnfit."""
    plain = {name: value for name, value in values.items() if name != "sun_key"}
    tag = add_row(session, NfcTag, {**plain, "tag_code": secrets.token_urlsafe(_CODE_BYTES)})
    _set_key(session, keys, tag, values)
    return tag


def change_tag(session: Session, keys: TagKeys, tag_id: str, values: Mapping[str, Any]) -> NfcTag:
    """With another `sun_key` its readings are counted anew; None makes it a static one. Raises NotThere,
    UnknownReference, KeyUnfit."""
    tag = change_row(session, NfcTag, tag_id, {name: value for name, value in values.items() if name != "sun_key"})
    _set_key(session, keys, tag, values)
    return tag


def _set_key(session: Session, keys: TagKeys, tag: NfcTag, values: Mapping[str, Any]) -> None:
    if "sun_key" not in values:
        return
    if values["sun_key"] is not None and len(tag.tag_uid.split(":")) != UID_BYTES:
        raise KeyUnfit("sun_key")
    keys.set(tag, values["sun_key"])
    session.flush()


def rotate_tag(session: Session, tag_id: str) -> NfcTag:
    """Another code, for one whose code was copied; who comes with the old one is told so. Raises NotThere."""
    tag = change_row(session, NfcTag, tag_id, {})
    session.add(RetiredTagCode(code_hash=hash_code(tag.tag_code), tag_id=tag_id))
    tag.tag_code = secrets.token_urlsafe(_CODE_BYTES)
    session.flush()
    return tag


def add_display(session: Session, values: Mapping[str, Any]) -> tuple[Display, str]:
    """And its key, which is not kept. Raises AlreadyThere, UnknownReference."""
    key = secrets.token_urlsafe(_KEY_BYTES)
    return add_row(session, Display, {**values, "key_hash": hash_display_key(key)}), key


def change_display(work: Work, display_id: str, values: Mapping[str, Any], *, revoke: bool) -> Display:
    """One that is revoked loses its sockets, and stays revoked. Raises NotThere, UnknownReference."""
    display = change_row(work.session, Display, display_id, values)
    if revoke and display.revoked_at is None:
        display.revoked_at = func.clock_timestamp()
        work.session.flush()
        work.session.refresh(display)
        work.reauthorize(hall_subject(display_id))
    return display


def find_display(session: Session, display_id: str, key: str) -> Display | None:
    """None for a key that opens nothing. Raises NotThere for the key of another display."""
    key_hash = hash_display_key(key)
    query = select(Display).where(Display.key_hash == key_hash, Display.revoked_at.is_(None))
    display = session.scalar(query.execution_options(populate_existing=True))
    if display is not None and display.display_id != display_id:
        raise NotThere("display_id")
    return display


def find_open_displays(session: Session, display_ids: Collection[str]) -> dict[str, str]:
    """The hashes of the keys of those that are not revoked."""
    query = select(Display.display_id, Display.key_hash).where(
        Display.display_id.in_(display_ids), Display.revoked_at.is_(None)
    )
    return dict(session.execute(query).all())


def hash_display_key(key: str) -> str:
    """Keys are drawn, not chosen: a plain hash is enough."""
    return hashlib.sha256(key.encode()).hexdigest()
