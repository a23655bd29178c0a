"""What the journey erases of a person: whoever of its people is that very person."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, sessionmaker

from core.names import patient_subject, queue_subject
from models.accounts import Login, Scope
from models.delivery import IdempotencyKey
from models.journey import (
    Appointment,
    EmrSync,
    JourneyUser,
    Notification,
    PatientState,
    QueueEntry,
    QueueStatusLog,
    ScanToken,
    StateTransition,
    TagLog,
    Visit,
    WebPushSubscription,
)
from services.delivery.event_log import erase_events
from services.delivery.unit_of_work import Work
from services.journey.actors import actor_key
from services.journey.people import NewUser, UserDirectory
from services.patients.erasing import ErasedPerson, OutsideEraser, PersonFinder, RowEraser, with_journey
from streams import Streams

# In the order in which nothing refers to what is gone.
_OF_USER: Mapping[str, Any] = {
    "journey_notifications": Notification,
    "journey_emr": EmrSync,
    "journey_steps": StateTransition,
    "journey_states": PatientState,
    "journey_entries": QueueEntry,
    "journey_appointments": Appointment,
    "journey_visits": Visit,
    "journey_scan_tokens": ScanToken,
    "journey_users": JourneyUser,
}


class JourneyEraser:
    """The erasers that need this domain's stores."""

    def __init__(self, sessions: sessionmaker[Session], people: UserDirectory, streams: Streams) -> None:
        self._sessions = sessions
        self._people = people
        self._streams = streams

    def finder(self) -> PersonFinder:
        return PersonFinder("journey_people", self._find)

    def redis(self, name: str) -> OutsideEraser:
        return OutsideEraser(name, self._count_streams, self._forget_streams)

    def _find(self, person: ErasedPerson) -> ErasedPerson:
        with self._sessions() as session:
            user_ids = self._people.find_same(session, NewUser(person.name, person.phone, person.birth_date))
            return with_journey(person, user_ids, _find_entries(session, user_ids))

    def _count_streams(self, person: ErasedPerson) -> int:
        return sum(at.seq > 0 for at in self._streams.positions(_subjects(person)))

    def _forget_streams(self, person: ErasedPerson) -> None:
        for subject in _subjects(person):
            self._streams.forget(subject)


def _find_under_lock(work: Work, person: ErasedPerson) -> ErasedPerson:
    """With the entries that were opened since the person was found. Locked in everybody's order: whoever acts for the
    person holds a key, or a login, and waits for the person. After it no more is written of them."""
    session, user_ids = work.session, person.user_ids
    known = with_journey(person, user_ids, _find_entries(session, user_ids))
    keys = select(IdempotencyKey.key_hash).where(_is_reply_about(known))
    session.execute(keys.order_by(IdempotencyKey.actor, IdempotencyKey.key_hash).with_for_update())
    session.execute(select(Login.sid).where(_is_login_of(user_ids)).order_by(Login.sid).with_for_update())
    tokens = select(ScanToken.jti).where(ScanToken.user_id.in_(user_ids))
    session.execute(tokens.order_by(ScanToken.jti).with_for_update())
    _lock_people(session, user_ids)
    return with_journey(known, user_ids, _find_entries(session, user_ids))


def _lock_people(session: Session, user_ids: Collection[UUID]) -> None:
    """Also those who have never come: else they could come meanwhile."""
    users = select(JourneyUser.user_id).where(JourneyUser.user_id.in_(user_ids)).order_by(JourneyUser.user_id)
    session.execute(insert(PatientState).from_select(["user_id"], users).on_conflict_do_nothing())
    people = select(PatientState.user_id).where(PatientState.user_id.in_(user_ids))
    session.execute(people.order_by(PatientState.user_id).with_for_update())


def _find_entries(session: Session, user_ids: Collection[UUID]) -> list[UUID]:
    return list(session.scalars(select(QueueEntry.queue_id).where(QueueEntry.user_id.in_(user_ids))))


def _erase_journey(work: Work, person: ErasedPerson, _now: datetime) -> Mapping[str, int]:
    """Scans stay, as counts of what the tags were used for, without who it was."""
    connection, user_ids = work.session.connection(), person.user_ids
    counts: dict[str, int] = {}
    for subjects in (_patient_subjects(person), _queue_subjects(person)):
        for kind in {work.kinds.of(subject) for subject in subjects}:
            counts["journey_events"] = counts.get("journey_events", 0) + erase_events(work.session, kind, subjects)
    entries = select(QueueEntry.queue_id).where(QueueEntry.user_id.in_(user_ids))
    logs = delete(QueueStatusLog).where(QueueStatusLog.queue_id.in_(entries))
    nobody = {"user_id": None, "device_id": None}
    scans = update(TagLog).where(TagLog.user_id.in_(user_ids)).values(nobody)
    browsers = delete(WebPushSubscription).where(
        WebPushSubscription.user_id.in_(user_ids)
    )  # else they go with the logins
    logins = delete(Login).where(_is_login_of(user_ids)).returning(Login.sid)
    keys = delete(IdempotencyKey).where(_is_reply_about(person))
    counts |= {"journey_entry_logs": connection.execute(logs).rowcount}
    counts |= {"journey_scans": connection.execute(scans).rowcount}
    counts |= {"journey_web_push": connection.execute(browsers).rowcount}
    ended = connection.execute(logins).scalars().all()
    for sid in ended:
        work.end_login(sid)  # their sockets are closed on every process
    counts |= {"journey_logins": len(ended)}
    counts |= {"journey_replies": connection.execute(keys).rowcount}
    for place, model in _OF_USER.items():
        counts[place] = connection.execute(delete(model).where(model.user_id.in_(user_ids))).rowcount
    return counts


def _is_login_of(user_ids: Collection[UUID]) -> ColumnElement[bool]:
    return and_(Login.scope == Scope.JOURNEY, Login.principal_id.in_(user_ids))


def _is_reply_about(person: ErasedPerson) -> ColumnElement[bool]:
    """Also one to staff who acted for them: it names the person, or their place in a line."""
    named = [IdempotencyKey.reply.contains(str(one)) for one in (*person.user_ids, *person.queue_ids)]
    return or_(IdempotencyKey.actor.in_([actor_key(user_id) for user_id in person.user_ids]), *named)


def _subjects(person: ErasedPerson) -> list[str]:
    return [*_patient_subjects(person), *_queue_subjects(person)]


def _patient_subjects(person: ErasedPerson) -> list[str]:
    return [patient_subject(user_id) for user_id in person.user_ids]


def _queue_subjects(person: ErasedPerson) -> list[str]:
    return [queue_subject(queue_id) for queue_id in person.queue_ids]


JOURNEY_ERASER = RowEraser(
    "journey",
    frozenset(model.__tablename__ for model in _OF_USER.values())
    | {model.__tablename__ for model in (QueueStatusLog, TagLog, Login, IdempotencyKey, WebPushSubscription)},
    _erase_journey,
    _find_under_lock,
)
