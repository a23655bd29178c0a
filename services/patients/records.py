"""Reading the stored records back, newest first, page by page. One statement per list.

Errors: BadCursor (not retryable): the cursor is none that a page gave.
"""

import base64
import binascii
import hashlib
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Select, cast, exists, extract, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased, defer
from sqlalchemy.orm.attributes import set_committed_value

from models.patients import (
    Checkup,
    MediarcReport,
    PatientJoin,
    Prescription,
    RecordAnswer,
    RecordKind,
)
from services.patients.pictures import attach_pictures
from services.patients.stored_json import from_stored
from upstream.tilko import measurements, values
from upstream.tilko.measurements import fields_of

RecordT = TypeVar("RecordT", Checkup, Prescription)
_JSON_COLUMNS = ("raw_data", "items", "details")
_LARGEST_ID = (1 << 63) - 1


class BadCursor(Exception):
    """The client made it up, or cut it."""

    retryable = False


@dataclass(frozen=True)
class Cursor:
    """The last record of a page: its day (None sorts last) and its id. Stable while records come and go."""

    day: date | None
    id: int

    def encode(self) -> str:
        text = f"{self.day.isoformat() if self.day else ''}|{self.id}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> "Cursor":
        """Raises BadCursor."""
        try:
            padded = text.encode("ascii") + b"=" * (-len(text) % 4)
            day, separator, number = base64.urlsafe_b64decode(padded).decode("ascii").partition("|")
            cursor = cls(date.fromisoformat(day) if day else None, int(number))
        except (ValueError, binascii.Error) as exc:
            raise BadCursor("not a cursor") from exc
        if not separator or not 0 < cursor.id <= _LARGEST_ID:
            raise BadCursor("not a cursor")
        return cursor


@dataclass(frozen=True, repr=False)
class RecordPage(Generic[RecordT]):
    """`next_cursor` is None on the last page."""

    items: Sequence[RecordT]
    next_cursor: Cursor | None


def list_checkups(
    session: Session, patient_uuid: UUID, *, limit: int, after: Cursor | None = None
) -> RecordPage[Checkup]:
    """Each item with its `columns`: those of the checkup that it is read into, two for a pair, none for most."""
    newest = select(Checkup).where(_of_person(Checkup, Checkup.checkup_date, patient_uuid))
    page = _read_page(session, newest, Checkup.checkup_date, Checkup.id, limit=limit, after=after)
    for checkup in page.items:
        # By the names that are known today, also for a checkup that was stored before one of them was.
        placed = [item | {"columns": list(fields_of(item["name"]))} for item in checkup.items]
        set_committed_value(checkup, "items", placed)
    return page


@cache
def columns_version() -> str:
    """For an ETag: another text for each release that may read another item, or name, into a column."""
    # Their whole text: what a name is read into hangs on tables, and on how a name is folded.
    sources = "".join(map(inspect.getsource, (measurements, values)))
    return hashlib.sha256(sources.encode()).hexdigest()[:16]


def read_measurements(session: Session, patient_uuid: UUID) -> Sequence[Checkup]:
    """All that `list_checkups` lists, oldest first, with the columns of common items; `items` and `raw_data` stay where
    they are."""
    of_person = select(Checkup).where(_of_person(Checkup, Checkup.checkup_date, patient_uuid))
    columns = of_person.options(defer(Checkup.items, raiseload=True), defer(Checkup.raw_data, raiseload=True))
    return session.scalars(columns.order_by(Checkup.checkup_date, Checkup.id)).all()


def list_prescriptions(
    session: Session, patient_uuid: UUID, *, limit: int, after: Cursor | None = None, with_pictures: bool = False
) -> RecordPage[Prescription]:
    """With pictures, `details` are as they were served."""
    newest = select(Prescription).where(_of_person(Prescription, Prescription.treatment_date, patient_uuid))
    if not with_pictures:
        newest = newest.options(defer(Prescription.pictures, raiseload=True))
    page = _read_page(session, newest, Prescription.treatment_date, Prescription.id, limit=limit, after=after)
    if with_pictures:
        for item in page.items:
            set_committed_value(item, "details", attach_pictures(item.details, from_stored(item.pictures)))
    return page


def newest_report(session: Session, patient_uuid: UUID) -> MediarcReport | None:
    query = select(MediarcReport).where(_is_theirs(MediarcReport, patient_uuid))
    report = session.scalar(query.order_by(MediarcReport.updated_at.desc(), MediarcReport.id.desc()).limit(1))
    if report is not None:
        _restore(report, ("disease_data", "cancer_data", "mediarc_response"))
    return report


def read_collected_at(session: Session, patient_uuid: UUID, kind: RecordKind) -> datetime | None:
    """When the insurer last answered with records of this kind; None when it never has."""
    newest = select(func.max(RecordAnswer.answered_at))
    return session.scalar(newest.where(RecordAnswer.patient_uuid == patient_uuid, RecordAnswer.kind == kind))


def records_version(session: Session, patient_uuid: UUID, model: type[Checkup | Prescription | MediarcReport]) -> str:
    """For an ETag: another text after every insert, change, withdrawal or removal, without reading the records.

    The hashes tell which records they are, and notice a change whose time is older than the newest one, as when two
    imports commit in the other order.
    """
    microseconds = cast(extract("epoch", model.updated_at) * 1_000_000, BigInteger)
    which = func.coalesce(func.sum(func.hashint8extended(model.id, microseconds)), 0)
    query = select(func.count(), func.max(model.updated_at), which).where(_is_theirs(model, patient_uuid))
    if not issubclass(model, MediarcReport):
        query = query.where(model.withdrawn_at.is_(None))
    count, newest, hashes = session.execute(query).one()
    return f"{count}-{newest.timestamp() if newest else 0:.6f}-{int(hashes):x}"


def _of_person(
    model: type[Checkup | Prescription], day: InstrumentedAttribute[date | None], patient_uuid: UUID
) -> ColumnElement[bool]:
    """What the insurer says now; of a joined older patient, what the patient's own records do not tell: the days of
    which they tell nothing, and of what has no day, what is none of theirs. Both were told of most of it."""
    own = aliased(model)
    is_own = model.patient_uuid == patient_uuid
    is_told = (own.patient_uuid == patient_uuid) & own.withdrawn_at.is_(None)
    same_day = exists().where(is_told, getattr(own, day.key) == day)
    same_undated = exists().where(is_told, _is_same_undated(model, own, day))
    return model.withdrawn_at.is_(None) & _is_theirs(model, patient_uuid) & (is_own | ~(same_day | same_undated))


def _is_same_undated(
    model: type[Checkup | Prescription], own: Any, day: InstrumentedAttribute[date | None]
) -> ColumnElement[bool]:
    """By the rules by which the rows of one patient's answers are matched (`record_matching`)."""
    own_day = getattr(own, day.key)
    both: ColumnElement[bool] = day.is_(None) & own_day.is_(None)
    same_details: ColumnElement[bool] = (model.details_key != "") & (own.details_key == model.details_key)
    same_content = (model.content_hash != "") & (own.content_hash == model.content_hash)
    alike: ColumnElement[bool] = both & (same_content | (same_details & (own.record_key == model.record_key)))
    if not issubclass(model, Checkup):
        return alike
    # Nobody has two general checkups of one year alone; and one that has a day by now is the same one.
    filled_in: ColumnElement[bool] = (day.is_(None) | own_day.is_(None)) & same_details
    same_year: ColumnElement[bool] = own.year == model.year
    return alike | (same_year & (both | filled_in))


def _is_theirs(model: type[Checkup | Prescription | MediarcReport], patient_uuid: UUID) -> ColumnElement[bool]:
    older = select(PatientJoin.older_uuid).where(PatientJoin.newer_uuid == patient_uuid).scalar_subquery()
    return (model.patient_uuid == patient_uuid) | (model.patient_uuid == older)


def _read_page(
    session: Session,
    records: Select[RecordT],
    day: InstrumentedAttribute[date | None],
    number: InstrumentedAttribute[int],
    *,
    limit: int,
    after: Cursor | None,
) -> RecordPage[RecordT]:
    if after is not None:
        records = records.where(_is_older(day, number, after))
    # One more than asked for tells whether there is another page.
    query = records.order_by(day.desc().nulls_last(), number.desc()).limit(limit + 1)
    found = session.scalars(query).all()
    items = found[:limit]
    for item in items:
        _restore(item, _JSON_COLUMNS)
    more = len(found) > limit and bool(items)
    return RecordPage(items, Cursor(getattr(items[-1], day.key), items[-1].id) if more else None)


def _is_older(
    day: InstrumentedAttribute[date | None], number: InstrumentedAttribute[int], after: Cursor
) -> ColumnElement[bool]:
    if after.day is None:
        return day.is_(None) & (number < after.id)
    return (day < after.day) | ((day == after.day) & (number < after.id)) | day.is_(None)


def _restore(record: Any, columns: Sequence[str]) -> None:
    for column in columns:
        stored = getattr(record, column, None)
        restored = from_stored(stored)
        if restored is not stored:
            # Not an assignment: that would write it back on the next flush.
            set_committed_value(record, column, restored)
