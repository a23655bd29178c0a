"""Consents: asked for at each start, kept with the text that was shown, ended by withdrawal or time.

Errors: ConsentsError (not retryable)
├── GuardianRequired   the person is a child: somebody else would have to agree
├── ConsentRequired    some that are needed are missing, or were given to a text that is not shown any more
└── ConsentNotHeld     what a step needs was withdrawn
    └── ConsentExpired its time is over
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import and_, case, func, insert, literal, or_, select, text, update
from sqlalchemy.orm import Session

from models.patients import Consent, ConsentEnd, ConsentKind, Patient, TermsAgreement
from models.patients.consents import COLLECTING_KINDS, needed_consents
from services.patients.consent_texts import ConsentText, ConsentTexts
from services.patients.identity import Identity, age_on, derive_patient_uuid

# Younger people cannot agree by themselves (PIPA, article 22-2).
AGE_OF_CONSENT = 14
# One that ends sooner is none.
SHORTEST = timedelta(minutes=1)
_SEOUL = ZoneInfo("Asia/Seoul")


class ConsentsError(Exception):
    retryable = False


class GuardianRequired(ConsentsError):
    pass


class ConsentRequired(ConsentsError):
    """`missing` names the kinds in the order in which they are asked for; `changed` those of them whose text is another
    by now than the one that was shown."""

    def __init__(self, missing: Collection[ConsentKind], changed: Collection[ConsentKind]) -> None:
        super().__init__("consent required")
        self.missing = [kind for kind in ConsentKind if kind in missing]
        self.changed = [kind for kind in ConsentKind if kind in changed]


class ConsentNotHeld(ConsentsError):
    pass


class ConsentExpired(ConsentNotHeld):
    pass


@dataclass(frozen=True)
class GivenConsents:
    """What somebody agreed to: enough for what they came for. Only `Consents.agree` makes one."""

    texts: tuple[ConsentText, ...]
    claimed_uuid: UUID
    valid_for: timedelta
    until: datetime | None


@dataclass(frozen=True)
class ConsentItem:
    """One consent as its person sees it, by the database's clock."""

    id: int
    kind: ConsentKind
    session_id: UUID
    text_version: str
    text_sha256: str
    given_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    ended_how: ConsentEnd | None


class Consents:
    """Of one process: with its texts, and for how long a consent holds."""

    def __init__(self, texts: ConsentTexts, *, valid_for: timedelta, pseudonym_key: str) -> None:
        self.texts = texts
        self._valid_for = valid_for
        self._pseudonym_key = pseudonym_key

    def agree(
        self,
        identity: Identity,
        kinds: Collection[ConsentKind],
        *,
        wants_report: bool,
        now: datetime,
        shown: Mapping[ConsentKind, str] | None = None,
        until: datetime | None = None,
    ) -> GivenConsents:
        """Check that it is enough; nothing is stored. `shown` has the hashes of the texts, from who can tell; `until`
        may be sooner than the texts say. Raises GuardianRequired, ConsentRequired."""
        if age_on(identity.birthdate, now.astimezone(_SEOUL).date()) < AGE_OF_CONSENT:
            raise GuardianRequired
        changed = {
            kind for kind, sha256 in (shown or {}).items() if kind in kinds and sha256 != self.texts[kind].sha256
        }
        holding = set(kinds) - changed if until is None or until > now + SHORTEST else set()
        missing = needed_consents(wants_report=wants_report) - holding
        if missing:
            raise ConsentRequired(missing, missing & changed)
        agreed = tuple(self.texts[kind] for kind in ConsentKind if kind in kinds and kind not in changed)
        return GivenConsents(agreed, identity.derive_uuid(self._pseudonym_key), self._valid_for, until)

    def withdraw(self, session: Session, patient: Patient, kind: ConsentKind) -> list[UUID]:
        """End every consent of this kind that the person gave, also in sessions that have not identified them yet. The
        sessions in which one ended."""
        claimed = derive_patient_uuid(patient.name, patient.phone, patient.birth_date, self._pseudonym_key)
        theirs = or_(
            Consent.patient_uuid == patient.uuid, and_(Consent.patient_uuid.is_(None), Consent.claimed_uuid == claimed)
        )
        ended = session.scalars(
            update(Consent)
            .where(theirs, Consent.kind == kind, Consent.ended_at.is_(None), Consent.expires_at > func.now())
            .values(ended_at=func.now(), ended_how=ConsentEnd.WITHDRAWN)
            .returning(Consent.session_id)
            .execution_options(synchronize_session=False)
        ).all()
        if kind in COLLECTING_KINDS:
            _end_agreements(session, ended)
        return list(ended)


def record_consents(session: Session, session_id: UUID, given: GivenConsents) -> datetime:
    """Write a row per kind, as of now by the database's clock; gives the moment when they end."""
    longest = func.now() + given.valid_for
    expires_at = longest if given.until is None else func.least(longest, literal(given.until))
    common = {"session_id": session_id, "claimed_uuid": given.claimed_uuid, "expires_at": expires_at}
    rows = [{"kind": one.kind, "text_version": one.version, "text_sha256": one.sha256} | common for one in given.texts]
    kept: datetime = session.scalars(insert(Consent).values(rows).returning(Consent.expires_at)).all()[0]
    return kept


def _end_agreements(session: Session, session_ids: Sequence[UUID]) -> None:
    agreement = TermsAgreement
    session.execute(
        update(agreement)
        .where(agreement.session_id.in_(session_ids))
        .values(terms_expires_at=func.least(agreement.terms_expires_at, func.now()))
        .execution_options(synchronize_session=False)
    )


# One statement for both: the step that identifies the patient is on every collection's way.
_ATTACH = text("""
    with attached as (
        update welno.welno_consents set patient_uuid = :patient_uuid
        where session_id = :session_id and patient_uuid is distinct from :patient_uuid
        returning kind, given_at, expires_at, ended_at
    )
    insert into welno.tb_wello_terms_agreement
        (patient_uuid, session_id, oid, terms_agreed_at, terms_expires_at, created_at)
    select cast(:patient_uuid as uuid), cast(:session_id as uuid), :oid, max(given_at), min(expires_at), :now
    from attached where kind = any(:kinds) and ended_at is null having count(*) = cardinality(:kinds)
    on conflict do nothing returning id
""")


def attach_consents(session: Session, *, patient_uuid: UUID, session_id: UUID, oid: str | None, now: datetime) -> bool:
    """Note whose the session's consents are, and write the owner's short form of them, with the order `oid` that is
    theirs. Whether that was added: False when it is there, or when the person gave less, or has withdrawn."""
    values: dict[str, Any] = {"patient_uuid": patient_uuid, "session_id": session_id, "oid": oid, "now": now}
    return session.scalar(_ATTACH, values | {"kinds": sorted(COLLECTING_KINDS)}) is not None


def holds_consent(session: Session, session_id: UUID, kind: ConsentKind) -> bool:
    """Whether it is in force, by the database's clock."""
    holding = and_(Consent.kind == kind, Consent.ended_at.is_(None), Consent.expires_at > func.now())
    return session.scalar(select(Consent.id).where(Consent.session_id == session_id, holding)) is not None


def require_consent(session: Session, session_id: UUID, kind: ConsentKind) -> None:
    """Raises ConsentExpired where its time is over, ConsentNotHeld where it is not in force for another reason."""
    if holds_consent(session, session_id, kind):
        return
    ran_out = or_(Consent.ended_at.is_(None), Consent.ended_how == ConsentEnd.EXPIRED)
    own = select(Consent.id).where(Consent.session_id == session_id, Consent.kind == kind, ran_out)
    raise ConsentNotHeld if session.scalar(own) is None else ConsentExpired


def was_withdrawn(session: Session, session_id: UUID) -> bool:
    """Whether the person has withdrawn something in this session without which nothing is collected."""
    withdrawn = and_(Consent.ended_how == ConsentEnd.WITHDRAWN, Consent.kind.in_(COLLECTING_KINDS))
    return session.scalar(select(Consent.id).where(Consent.session_id == session_id, withdrawn).limit(1)) is not None


def list_consents(
    session: Session, patient_uuid: UUID, *, limit: int, after: int | None = None
) -> tuple[list[ConsentItem], int | None]:
    """Newest first, behind the one with the id `after`; and the id to go on after, None on the last page."""
    is_over = and_(Consent.ended_at.is_(None), Consent.expires_at <= func.now())
    query = select(
        *(column for column in Consent.__table__.columns if column.name in _SHOWN),
        case((is_over, Consent.expires_at), else_=Consent.ended_at).label("ended_at"),
        case((is_over, ConsentEnd.EXPIRED.value), else_=Consent.ended_how).label("ended_how"),
    ).where(Consent.patient_uuid == patient_uuid)
    if after is not None:
        query = query.where(Consent.id < after)
    found = session.execute(query.order_by(Consent.id.desc()).limit(limit + 1)).all()
    items = [_item(row._mapping) for row in found[:limit]]  # noqa: SLF001 SQLAlchemy's public name for it
    return items, items[-1].id if len(found) > limit else None


_SHOWN = frozenset({"id", "kind", "session_id", "text_version", "text_sha256", "given_at", "expires_at"})


def _item(row: Mapping[Any, Any]) -> ConsentItem:
    values = dict(row)
    how = values["ended_how"]
    return ConsentItem(
        **values | {"kind": ConsentKind(values["kind"]), "ended_how": ConsentEnd(how) if how is not None else None}
    )


def expire_consents(session: Session) -> int:
    """Note on those whose time is over how they ended. Gives how many."""
    ended = update(Consent).where(Consent.ended_at.is_(None), Consent.expires_at <= func.now())
    ended = ended.values(ended_at=Consent.expires_at, ended_how=ConsentEnd.EXPIRED).returning(Consent.id)
    return len(session.scalars(ended.execution_options(synchronize_session=False)).all())
