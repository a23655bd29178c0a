"""An operator ends every session of somebody who cannot: a phone that was lost, reported by telephone.

The operator names them by what tells nothing of a person: an id of a patient, of a session or login, of an account, or
the pseudonym under which a patient stands in the access log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models.accounts import Account, AccountChangeKind, Login, RevokedWhy, Scope
from models.collection import CollectionRun
from models.journey import JourneyUser
from models.patients import AccessedWhat, Patient, PatientKey, PatientSession
from services.accounts.account_changes import record_change
from services.accounts.logins import end_logins
from services.delivery.unit_of_work import Work
from services.journey.people import NewUser, UserDirectory
from services.patient_sessions import end_others
from services.patients.access_log import Actor, Look
from services.patients.identification import find_claimed
from services.patients.joins import find_joined
from services.stores import Stores
from services.threads.encoding import patient_member, staff_member
from services.threads.push_pass import end_passes


class NobodyNamed(Exception):
    """No person and no account has this id or pseudonym, or they are being erased."""

    retryable = False


@dataclass(frozen=True)
class SignOutOrder:
    """Who ends the sessions of whom, and why. `named` is an id, or a pseudonym."""

    named: UUID | str
    actor: Actor
    reason: str


@dataclass(frozen=True)
class _NamedPerson:
    """`patients`: more than one, where they are joined. `user_ids` are theirs in the journey. One of the two is known
    at least."""

    patients: Sequence[UUID]
    user_ids: Sequence[UUID]


def sign_out_named(work: Work, stores: Stores, order: SignOutOrder, now: datetime) -> int:
    """End all their sessions and logins, on every process and with their sockets, those of a patient with whom they are
    joined, and the push passes of their devices; how many sessions and logins there were. It stands in the
    access log, for the person to read; of an account in the record of grants, too. Raises NobodyNamed."""
    person = _find_person(work.session, stores.people, order.named)
    if person is not None:
        return _sign_out_person(work, stores, person, order, now)
    account = _lock_account(work.session, order.named)
    if account is None:
        raise NobodyNamed
    ended = end_logins(work, account.account_id, RevokedWhy.ENDED_BY_OPERATOR)
    end_passes(work.session, [staff_member(account.account_id)])
    record_change(work.session, account, AccountChangeKind.LOGINS_ENDED, order.actor.name)
    stores.access_log.record(work.session, Look(order.actor, AccessedWhat.SESSIONS, reason=order.reason), now)
    return ended


def _sign_out_person(work: Work, stores: Stores, person: _NamedPerson, order: SignOutOrder, now: datetime) -> int:
    count, parted, looks = 0, set[UUID](), list[Look]()
    for patient_uuid in person.patients:
        ended = end_others(work.session, patient_uuid, None)
        ended.tell(work)
        count += len(ended.row_ids)
        parted.update((patient_uuid, *ended.ended_joins) if ended.ended_joins else ())
    end_passes(work.session, [patient_member(one) for one in person.patients])
    for user_id in person.user_ids:
        count += end_logins(work, user_id, RevokedWhy.ENDED_BY_OPERATOR)
    looks += [Look(order.actor, AccessedWhat.UNDO_JOIN, one) for one in sorted(parted)]
    looks += [Look(order.actor, AccessedWhat.SESSIONS, one, reason=order.reason) for one in person.patients]
    if not person.patients:
        subjects = map(stores.access_log.subject_of_visitor, person.user_ids)
        looks += [Look(order.actor, AccessedWhat.SESSIONS, subject=one, reason=order.reason) for one in subjects]
    stores.access_log.record_all(work.session, looks, now)
    return count


def _find_person(session: Session, people: UserDirectory, named: UUID | str) -> _NamedPerson | None:
    patient_uuid = _find_patient(session, named)
    if patient_uuid is None and isinstance(named, UUID):
        of_visitor = (Login.sid == named, Login.scope == Scope.JOURNEY)
        whose = or_(
            JourneyUser.user_id == named, JourneyUser.user_id.in_(select(Login.principal_id).where(*of_visitor))
        )
        user = session.scalar(select(JourneyUser).where(whose))
        if user is None:
            return None
        known = people.open(user)
        patient_uuid = find_claimed(session, known.name, known.birth_date, known.phone)
        if patient_uuid is None:
            return _NamedPerson([], people.find_same(session, known))
    patient = session.get(Patient, patient_uuid) if patient_uuid is not None else None
    if patient is None or patient.erasing_since is not None:
        return None
    patients = [session.get_one(Patient, one) for one in find_joined(session, patient.uuid)]
    same = [people.find_same(session, NewUser(one.name, one.phone, one.birth_date)) for one in patients]
    return _NamedPerson([one.uuid for one in patients], [user_id for found in same for user_id in found])


def _find_patient(session: Session, named: UUID | str) -> UUID | None:
    """None also for a session of which nobody is known yet."""
    if isinstance(named, str):
        return session.scalar(select(PatientKey.patient_uuid).where(PatientKey.subject == named))
    for query in (
        select(Patient.uuid).where(Patient.uuid == named),
        select(PatientSession.patient_uuid).where(or_(PatientSession.id == named, PatientSession.session_id == named)),
        select(CollectionRun.patient_uuid).where(CollectionRun.session_id == named),
    ):
        if (found := session.scalar(query)) is not None:
            return found
    return None


def _lock_account(session: Session, named: UUID | str) -> Account | None:
    if isinstance(named, str):
        return None
    whose = or_(
        Account.account_id == named, Account.account_id.in_(select(Login.principal_id).where(Login.sid == named))
    )
    return session.scalar(select(Account).where(whose).with_for_update())
