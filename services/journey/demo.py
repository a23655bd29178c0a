"""The demo hospital: its rooms, tags, staff and invented people, made again where something is missing.

What is there already is left as it is: people keep their states, and an admin's changes hold.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models.accounts import Account, AccountKind, AccountRole
from models.journey import Appointment, Display, Exam, HospitalRoom, JourneyUser, NfcTag
from models.table import Table
from services.accounts.accounts import add_account
from services.journey.hospital import hash_display_key
from services.journey.people import NewUser, UserDirectory

Json = Mapping[str, Any]


@dataclass(frozen=True)
class DemoSecrets:
    """`password_hash` is asked for only where a member of staff is missing: it takes long."""

    password_hash: Callable[[], str]
    hall_key: str


def seed_hospital(session: Session, content: Json, secrets: DemoSecrets) -> None:
    for model, name in ((HospitalRoom, "rooms"), (Exam, "exams"), (NfcTag, "tags")):
        _add_missing(session, model, content[name])
    key_hash = hash_display_key(secrets.hall_key)
    _add_missing(session, Display, [{**display, "key_hash": key_hash} for display in content["displays"]])
    known = set(session.scalars(select(Account.login).where(Account.kind == AccountKind.STAFF)))
    for staff in content["staff"]:
        if staff["login"] not in known:
            role = AccountRole(staff["role"])
            add_account(session, AccountKind.STAFF, staff["login"], staff["name"], secrets.password_hash(), role)


def _add_missing(session: Session, model: type[Table], rows: Sequence[Json]) -> None:
    session.execute(insert(model).values([dict(row) for row in rows]).on_conflict_do_nothing())


def seed_people(session: Session, directory: UserDirectory, content: Json) -> list[UUID]:
    """The ids of all of them, in their order."""
    wanted = list(_people_of(content["patients"]))
    hashes = {directory.hash_phone(person.phone): person for person in wanted}
    query = select(JourneyUser.phone_hash, JourneyUser.user_id).where(JourneyUser.phone_hash.in_(hashes))
    known = dict(session.execute(query).all())
    return [
        known.get(directory.hash_phone(person.phone)) or directory.add(session, person).user_id for person in wanted
    ]


def _people_of(patients: Json) -> Iterable[NewUser]:
    first = date.fromisoformat(patients["born_after"])
    for number in range(1, patients["count"] + 1):
        born = first + timedelta(days=patients["days_apart"] * number)
        yield NewUser(patients["name"].format(number), patients["phone"].format(number), born)
    for other in patients["others"]:
        yield NewUser(other["name"], other["phone"], date.fromisoformat(other["birth_date"]))


def seed_appointments(
    session: Session, user_ids: Sequence[UUID], content: Json, now: datetime, time_zone: ZoneInfo, day_close_at: time
) -> None:
    """Of today, for whoever has none for the exam today, in whatever state. After the day's close they begin now: those
    of before it would be missed at once."""
    today = now.astimezone(time_zone).date()
    begins = datetime.combine(today, time.min, time_zone)
    query = select(Appointment.user_id, Appointment.exam_id).where(
        Appointment.scheduled_at >= begins,
        Appointment.scheduled_at < begins + timedelta(days=1),
        Appointment.user_id.in_(user_ids),
    )
    known = {(user_id, exam_id) for user_id, exam_id in session.execute(query)}
    is_closed = datetime.combine(today, day_close_at, time_zone) <= now
    for number, exam in enumerate(content["exams"]):
        at = datetime.combine(today, time.fromisoformat(exam["at"]), time_zone)
        if is_closed:
            at = max(at, now + timedelta(seconds=number))
        for user_id in user_ids[: content["patients"]]:
            if (user_id, exam["exam_id"]) not in known:
                session.add(
                    Appointment(appointment_id=uuid4(), user_id=user_id, exam_id=exam["exam_id"], scheduled_at=at)
                )
    session.flush()
