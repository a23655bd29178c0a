"""The access log: writing a look in the transaction that looks, reading it back, for the person and for auditors.

Order of locks: the day's row comes last of all, so call `record` at the end of a transaction, and once: of several
looks `record_all`. It is held until the commit, and every other look of the day waits for it.
"""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, bindparam, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from core.derived_keys import Purpose, derive_key
from core.sealing import Sealer, SealError
from models.patients import NO_OPENING, AccessedWhat, AccessEntry, ActorKind, Patient, PatientKey
from services.patients.access_chain import chain_key, end_before, first_hash, hash_entry
from services.patients.pseudonyms import PseudonymOf, pseudonym_of

# In characters: a person reads it.
REASON_MIN, REASON_MAX = 5, 300
_KEY_BYTES = 32
_PSEUDONYM_KINDS = {
    ActorKind.SESSION: PseudonymOf.SESSION,
    ActorKind.PASSWORD: PseudonymOf.SESSION,
    ActorKind.LINK: PseudonymOf.EXPORT,
    ActorKind.STAFF: PseudonymOf.STAFF,
    ActorKind.PROCESS: PseudonymOf.PROCESS,
    ActorKind.RECIPIENT: PseudonymOf.HEALTH_LINK,
}
# Jobs, and whoever was shown the records by the person, who is told so beside the link.
_NO_OPENING = (ActorKind.PROCESS, ActorKind.RECIPIENT)
_READ_KEY = select(PatientKey.sealed_key).where(PatientKey.subject == bindparam("subject"))
_NEXT = text("""
    update welno.welno_access_days set last_seq = last_seq + 1 where day = :day returning last_seq, last_hash
""")
_BEGIN_DAY = text("""
    insert into welno.welno_access_days as known
        (day, last_seq, last_hash, previous_day, previous_seq, previous_hash)
    values (:day, 1, :first, :previous_day, :previous_seq, :previous_hash)
    on conflict (day) do update set last_seq = known.last_seq + 1
    returning last_seq, last_hash
""")
# In one statement, as everybody waits for the day's row meanwhile.
_COLUMNS = tuple(column.name for column in AccessEntry.__table__.columns)
_APPEND = text(f"""
    with ended as (update welno.welno_access_days set last_hash = :entry_hash where day = :day)
    insert into welno.welno_access_log ({", ".join(_COLUMNS)}) values ({", ".join(f":{name}" for name in _COLUMNS)})
""")  # noqa: S608 our own names


@dataclass(frozen=True)
class Actor:
    """Who looks. `name` is a session's id, an account's id or a process's name."""

    kind: ActorKind
    name: str
    address: str | None = None
    role: str | None = None


@dataclass(frozen=True)
class Look:
    """What is to be written. `subject` is a pseudonym, for who looks at somebody whom they know only by it."""

    actor: Actor
    what: AccessedWhat
    patient_uuid: UUID | None = None
    subject: str | None = None
    reason: str | None = None


@dataclass(frozen=True, repr=False)
class ShownLook:
    """One entry as it may be shown. Address, name and reason are None once the patient's key is destroyed."""

    day: date
    seq: int
    at: datetime
    subject: str | None
    actor_kind: ActorKind
    actor_role: str | None
    actor: str
    what: AccessedWhat
    address: str | None
    reason: str | None


@dataclass(frozen=True)
class LogPlace:
    """Where a page of the log ends."""

    day: date
    seq: int

    def encode(self) -> str:
        return f"{self.day:%Y%m%d}-{self.seq}"

    @classmethod
    def decode(cls, encoded: str) -> "LogPlace":
        """Raises ValueError."""
        day, _, seq = encoded.partition("-")
        return cls(datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).date(), int(seq))


class AccessLog:
    """Writes and reads entries, within a transaction that is given to it."""

    def __init__(self, sealer: Sealer, pseudonym_key: str) -> None:
        self._sealer = sealer
        # No sealing key: those are replaced, and what stands in the log cannot be sealed anew.
        self._nobody = Sealer({"nobody": derive_key(pseudonym_key.encode(), Purpose.ACCESS_OF_NOBODY)})
        self._pseudonym_key = pseudonym_key
        self._chain_key = chain_key(pseudonym_key)

    def subject_of(self, patient_uuid: UUID) -> str:
        """Under which name a patient stands there."""
        return pseudonym_of(self._pseudonym_key, PseudonymOf.PATIENT, patient_uuid)

    def subject_of_visitor(self, user_id: UUID) -> str:
        """The same of somebody of the journey who is none of the patients: nothing seals their entries but a key for
        nobody, and nobody is shown them."""
        return pseudonym_of(self._pseudonym_key, PseudonymOf.VISITOR, user_id)

    def actor_of(self, kind: ActorKind, name: str) -> str:
        """Under which name somebody who looks stands there."""
        return pseudonym_of(self._pseudonym_key, _PSEUDONYM_KINDS[kind], name)

    def record(self, session: Session, look: Look, now: datetime) -> None:
        """Append one look to its day's chain."""
        self.record_all(session, [look], now)

    def record_all(self, session: Session, looks: Sequence[Look], now: datetime) -> None:
        """Append several, in their order, as `record`: a key is made under its patient's lock, which nobody may wait
        for who holds the day."""
        prepared = [(look, *self._find_key(session, look, now)) for look in looks]
        for look, subject, key in prepared:
            self._append(session, look, subject, key, now)

    def _find_key(self, session: Session, look: Look, now: datetime) -> tuple[str | None, bytes | None]:
        """As whom they stand there, and their key; made with the first look."""
        subject = self.subject_of(look.patient_uuid) if look.patient_uuid else look.subject
        key = self._open_key(session, subject) if subject else None
        if key is None and look.patient_uuid:
            key = self._make_key(session, look.patient_uuid, now)
        return subject, key

    def _append(self, session: Session, look: Look, subject: str | None, key: bytes | None, now: datetime) -> None:
        actor, day = look.actor, now.astimezone(UTC).date()
        named = {"address": actor.address, "name": actor.name, "reason": look.reason}
        sealer = self._nobody if key is None else Sealer({"patient": key})
        row = session.execute(_NEXT, {"day": day}).one_or_none() or self._begin_day(session, day)
        entry: dict[str, Any] = {
            "day": day,
            "seq": row.last_seq,
            "at": now,
            "subject": subject,
            "actor_kind": actor.kind.value,
            "actor_role": actor.role,
            "actor": self.actor_of(actor.kind, actor.name),
            "what": look.what.value,
            "sealed": sealer.seal(orjson.dumps(named), f"access/{subject}"),
            "previous_hash": bytes(row.last_hash),
        }
        entry["entry_hash"] = hash_entry(self._chain_key, entry)
        session.execute(_APPEND, entry)

    def has_looked(self, session: Session, actor: Actor, what: AccessedWhat, subject: str, since: datetime) -> bool:
        """Whether they have looked at it since then."""
        query = select(AccessEntry.seq).where(
            AccessEntry.subject == subject,
            AccessEntry.day >= since.astimezone(UTC).date(),
            AccessEntry.at > since,
            AccessEntry.actor == self.actor_of(actor.kind, actor.name),
            AccessEntry.what == what.value,
        )
        return session.scalar(query.limit(1)) is not None

    def _begin_day(self, session: Session, day: date) -> Row[Any]:
        """Or take the next place, if somebody has begun it meanwhile."""
        before = end_before(session, day)
        named: dict[str, Any] = dict.fromkeys(("previous_day", "previous_seq", "previous_hash"))
        if before is not None:
            named = {"previous_day": before.day, "previous_seq": before.seq, "previous_hash": before.hash}
        first = first_hash(self._chain_key, day, before)
        return session.execute(_BEGIN_DAY, {"day": day, "first": first, **named}).one()

    def list_looks(
        self,
        session: Session,
        *,
        subject: str | None = None,
        day: date | None = None,
        after: LogPlace | None = None,
        limit: int,
    ) -> tuple[Sequence[ShownLook], LogPlace | None]:
        """Newest first, and where to go on. Names and addresses stay sealed."""
        return self._read(session, None, subject=subject, day=day, after=after, limit=limit)

    def list_looks_at(
        self, session: Session, patient_uuid: UUID, *, after: LogPlace | None = None, limit: int
    ) -> tuple[Sequence[ShownLook], LogPlace | None]:
        """The looks at one patient, with what their key opens."""
        subject = self.subject_of(patient_uuid)
        key = self._open_key(session, subject)
        return self._read(session, key, subject=subject, day=None, after=after, limit=limit)

    def list_looks_by_others(
        self, session: Session, patient_uuid: UUID, *, since: datetime, own: Collection[str], limit: int
    ) -> Sequence[ShownLook]:
        """The newest looks at records of other people than these actors, and of none of our processes, with what the
        patient's key opens."""
        subject = self.subject_of(patient_uuid)
        query = (
            select(AccessEntry.__table__)
            .where(AccessEntry.subject == subject, AccessEntry.day >= since.astimezone(UTC).date())
            .where(AccessEntry.at > since, AccessEntry.actor_kind.not_in(_NO_OPENING))
            .where(AccessEntry.actor.not_in(own), AccessEntry.what.not_in(NO_OPENING))
            .order_by(AccessEntry.day.desc(), AccessEntry.seq.desc())
        )
        key = self._open_key(session, subject)
        return [_show(row, key) for row in session.execute(query.limit(limit))]

    def _read(
        self,
        session: Session,
        key: bytes | None,
        *,
        subject: str | None,
        day: date | None,
        after: LogPlace | None,
        limit: int,
    ) -> tuple[Sequence[ShownLook], LogPlace | None]:
        query = select(AccessEntry.__table__).order_by(AccessEntry.day.desc(), AccessEntry.seq.desc())
        if subject is not None:
            query = query.where(AccessEntry.subject == subject)
        if day is not None:
            query = query.where(AccessEntry.day == day)
        if after is not None:
            query = query.where(tuple_(AccessEntry.day, AccessEntry.seq) < (after.day, after.seq))
        rows = session.execute(query.limit(limit + 1)).all()
        shown = [_show(row, key) for row in rows[:limit]]
        return shown, LogPlace(shown[-1].day, shown[-1].seq) if len(rows) > limit else None

    def _make_key(self, session: Session, patient_uuid: UUID, now: datetime) -> bytes | None:
        """With the first look; None for a patient who is not there (any more)."""
        there = select(Patient.uuid).where(Patient.uuid == patient_uuid).with_for_update(key_share=True)
        if session.scalar(there) is None:
            return None
        subject, key = self.subject_of(patient_uuid), os.urandom(_KEY_BYTES)
        sealed = self._sealer.seal(key, key_context(subject))
        row = {"patient_uuid": patient_uuid, "subject": subject, "sealed_key": sealed, "created_at": now}
        made = upsert(PatientKey).values(row).on_conflict_do_nothing().returning(PatientKey.patient_uuid)
        return key if session.scalar(made) is not None else self._open_key(session, subject)

    def _open_key(self, session: Session, subject: str) -> bytes | None:
        sealed = session.scalar(_READ_KEY, {"subject": subject})
        return self._sealer.open(sealed, key_context(subject)) if sealed is not None else None


def key_context(subject: str) -> str:
    """What the seal of a patient's key is bound to."""
    return f"patient_key/{subject}"


def _show(row: Row[Any], key: bytes | None) -> ShownLook:
    named = _open_names(row, key) if key is not None else {}
    return ShownLook(
        day=row.day,
        seq=row.seq,
        at=row.at,
        subject=row.subject,
        actor_kind=ActorKind(row.actor_kind),
        actor_role=row.actor_role,
        actor=row.actor,
        what=AccessedWhat(row.what),
        address=named.get("address"),
        reason=named.get("reason"),
    )


def _open_names(row: Row[Any], key: bytes) -> dict[str, str | None]:
    """Nothing for an entry of another key: it was written when this patient was not there."""
    try:
        names: dict[str, str | None] = orjson.loads(Sealer({"patient": key}).open(row.sealed, f"access/{row.subject}"))
    except SealError:
        return {}
    return names
