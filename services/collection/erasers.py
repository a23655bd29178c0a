"""What the collection erases of a person: runs under way, files, orders' personal fields, events, history, Redis."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from redis import Redis
from sqlalchemy import delete, or_, select, union, update
from sqlalchemy.orm import Session, sessionmaker

from core.logs import get_logger
from core.names import FAILED_BY_FAULT, FAILED_BY_REFUSAL, session_subject
from core.sealing import Sealer, SealError
from models.collection import CollectionRun, CollectionStep, Push, RunState
from models.patients import CampaignPayment, Checkup, Consent, MediarcReport, Prescription, TermsAgreement
from services.collection.errors import SessionNotFound
from services.collection.orders import find_orders
from services.collection.requests import cancel_session
from services.delivery.event_log import erase_events
from services.delivery.unit_of_work import Work
from services.patients.erasing import ErasedPerson, OutsideEraser, PersonFinder, RowEraser, with_sessions
from services.patients.identity import Identity, derive_patient_uuid
from services.patients.tombstones import bury
from spool import Spool
from streams import Streams

log = get_logger(__name__)

_PAGE = 1_000
_NAMING_SESSIONS = (CollectionRun, Checkup, Prescription, MediarcReport, TermsAgreement)


class SessionEraser:
    """The erasers that need this domain's stores."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        *,
        sealer: Sealer,
        spool: Spool,
        redis: Redis,
        streams: Streams,
        pseudonym_key: str,
    ) -> None:
        self._sessions = sessions
        self._pseudonym_key = pseudonym_key
        self._sealer = sealer
        self._spool = spool
        self._redis = redis
        self._streams = streams

    def finder(self) -> PersonFinder:
        return PersonFinder("sessions", self._find_sessions)

    def files(self, name: str) -> OutsideEraser:
        return OutsideEraser(name, self._count_files, self._erase_files)

    def redis(self, name: str) -> OutsideEraser:
        return OutsideEraser(name, self._count_keys, self._erase_keys)

    def _find_sessions(self, person: ErasedPerson) -> ErasedPerson:
        with self._sessions() as session:
            named = find_sessions(session, person.patient_uuid)
            claimed = find_claimed(session, self._claimed_by(person), person.patient_uuid)
            query = select(CollectionRun.session_id, CollectionRun.identity)
            waiting = session.execute(query.where(CollectionRun.run_state != RunState.ENDED)).all()
        # Also such as do not know yet whose they are: by what the person has entered there.
        entered = [row.session_id for row in waiting if self._is_theirs(row.session_id, row.identity, person)]
        filed = map(UUID, self._spool.sessions_of(str(person.patient_uuid)))
        return with_sessions(person, [*named, *claimed, *entered, *filed])

    def _claimed_by(self, person: ErasedPerson) -> UUID:
        return derive_patient_uuid(person.name, person.phone, person.birth_date, self._pseudonym_key)

    def _is_theirs(self, session_id: UUID, sealed: bytes | None, person: ErasedPerson) -> bool:
        if sealed is None:
            return False
        try:
            entered = Identity.from_json(self._sealer.open(sealed, f"identity:{session_id}"))
        except (SealError, ValueError, KeyError, TypeError):
            log.warning("identity_unreadable", session_id=str(session_id))
            return False
        return (entered.phone_no, entered.birthdate, entered.user_name) == (
            person.phone,
            person.birth_date,
            person.name,
        )

    def _count_files(self, person: ErasedPerson) -> int:
        return self._spool.count_of(_as_text(person.session_ids))

    def _erase_files(self, person: ErasedPerson) -> None:
        self._spool.erase(_as_text(person.session_ids))

    def _count_keys(self, person: ErasedPerson) -> int:
        return len(self._keys_of(person)) + sum(len(ids) for _, ids in self._failures_of(person))

    def _erase_keys(self, person: ErasedPerson) -> None:
        for session_id in person.session_ids:
            self._streams.forget(session_subject(str(session_id)))
        for key in self._keys_of(person):
            self._redis.delete(key)
        for stream, ids in self._failures_of(person):
            self._redis.xdel(stream, *ids)

    def _keys_of(self, person: ErasedPerson) -> list[bytes]:
        """All keys that name the person or a session: copies, streams, limits. Every key is looked at, as the limits'
        are made by a library."""
        named = [str(one).encode() for one in (person.patient_uuid, *person.session_ids)]
        return [key for key in self._redis.scan_iter(count=1000) if any(name in key for name in named)]

    def _failures_of(self, person: ErasedPerson) -> Iterator[tuple[str, list[bytes]]]:
        """Requests of these sessions that failed, page by page: they stand in values of streams, not in names."""
        named = {str(one).encode() for one in person.session_ids}
        for key in (FAILED_BY_FAULT, FAILED_BY_REFUSAL):
            first = b"-"
            while page := cast(Any, self._redis.xrange(key, min=first, count=_PAGE)):
                if ids := [entry for entry, fields in page if fields.get(b"session_id") in named]:
                    yield key, ids
                first = b"(" + page[-1][0]


def find_claimed(session: Session, claimed_uuid: UUID, patient_uuid: UUID) -> list[UUID]:
    """Where somebody said to be this person, and nobody else showed to be there: also in collections that ended before
    anybody approved, of which nothing else tells whose they were."""
    theirs = or_(Consent.patient_uuid.is_(None), Consent.patient_uuid == patient_uuid)
    query = select(Consent.session_id).where(Consent.claimed_uuid == claimed_uuid, theirs)
    return list(session.scalars(query.distinct()))


def find_sessions(session: Session, patient_uuid: UUID) -> list[UUID]:
    """Of a patient, wherever one is named: history is kept for a shorter time than records."""
    queries = [select(model.session_id).where(model.patient_uuid == patient_uuid) for model in _NAMING_SESSIONS]
    return sorted(session.execute(union(*queries)).scalars())


def cancel_runs(work: Work, session_ids: Sequence[UUID], now: datetime) -> None:
    """End these sessions, and throw out who holds their tokens."""
    for session_id in sorted(session_ids):
        try:
            cancel_session(work, session_id, now=now)
        except SessionNotFound:
            continue  # its history is gone, its records are not


def _cancel_runs(work: Work, person: ErasedPerson, now: datetime) -> Mapping[str, int]:
    """Before anything else: nobody goes on, nobody comes in any more, and what arrives late finds a tombstone."""
    cancel_runs(work, person.session_ids, now)
    bury(work.session, person.session_ids, now)
    return {}


def _erase_orders(work: Work, person: ErasedPerson, now: datetime) -> Mapping[str, int]:
    """An order stays, as the law on electronic commerce wants, without its buyer and without their report."""
    nobody = dict.fromkeys(
        ("patient_uuid", "user_name", "birth_date", "user_phone", "report_url", "mediarc_response"), None
    )
    orders = update(CampaignPayment).where(CampaignPayment.oid.in_(find_orders(work.session, person)))
    return {"orders": work.session.connection().execute(orders.values(**nobody, updated_at=now)).rowcount}


def _erase_history(work: Work, person: ErasedPerson, _now: datetime) -> Mapping[str, int]:
    subjects = [session_subject(str(session_id)) for session_id in person.session_ids]
    kinds = {work.kinds.of(subject) for subject in subjects}
    connection = work.session.connection()
    # First: who asks for a push locks the phone before the run.
    connection.execute(delete(Push).where(Push.session_id.in_(person.session_ids)))
    tries = delete(CollectionStep).where(CollectionStep.session_id.in_(person.session_ids))
    runs = delete(CollectionRun).where(CollectionRun.session_id.in_(person.session_ids))
    return {
        "events": sum(erase_events(work.session, kind, subjects) for kind in kinds),
        "run_steps": connection.execute(tries).rowcount,
        "runs": connection.execute(runs).rowcount,
    }


def _as_text(session_ids: Sequence[UUID]) -> list[str]:
    return [str(session_id) for session_id in session_ids]


RUNS_CANCELLER = RowEraser("cancel", frozenset(), _cancel_runs)
ORDERS_ERASER = RowEraser("orders", frozenset({CampaignPayment.__tablename__}), _erase_orders)
HISTORY_ERASER = RowEraser(
    "history",
    frozenset(
        {
            CollectionRun.__tablename__,
            CollectionStep.__tablename__,
            Push.__tablename__,
            "welno_events",
            "welno_subjects",
        }
    ),
    _erase_history,
)
