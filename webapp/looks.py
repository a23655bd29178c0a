"""Writes into the access log who the running request is for, and from where it came."""

from collections.abc import Sequence
from uuid import UUID

from flask import g, request
from sqlalchemy.orm import Session

from models.patients import AccessedWhat, ActorKind
from services.delivery.unit_of_work import Work
from services.patients.access_log import Actor, Look
from webapp.addresses import host_of
from webapp.current import stores


def note_asker(kind: ActorKind, name: str) -> None:
    """Who asks was let in as this; told by whoever decided it."""
    g.asker = (kind, name)


def asker() -> Actor:
    """Who was let in to the running request, as the access log names them."""
    kind, name = g.asker
    return actor_here(kind, name)


def actor_here(kind: ActorKind, name: str, role: str | None = None) -> Actor:
    """Somebody by their whole address: the log seals it, and a network names a household, or a hospital's guests."""
    return Actor(kind, name, host_of(request.remote_addr), role)


def record_look(work: Work, patient_uuid: UUID, what: AccessedWhat) -> None:
    """At the end of the transaction in which they look: see services.patients.access_log. A joined older patient is
    looked at with it."""
    actor, now = asker(), stores().clock.now()
    joined: UUID | None = g.get("joined_uuid")
    looked_at = (patient_uuid, *([joined] if joined is not None else []))
    stores().access_log.record_all(work.session, [Look(actor, what, one) for one in looked_at], now)


def record_ended_joins(session: Session, patient_uuid: UUID, others: Sequence[UUID]) -> None:
    """That joins with others have ended, in the log of each, as `record_look`; none if there were none."""
    actor, now = asker(), stores().clock.now()
    looks = [Look(actor, AccessedWhat.UNDO_JOIN, one) for one in (patient_uuid, *others)] if others else []
    stores().access_log.record_all(session, looks, now)


def record_staff_look(work: Work, *, name: str, role: str, what: AccessedWhat, subject: str | None, why: str) -> None:
    """The same for an operator or auditor, who must say why."""
    actor = actor_here(ActorKind.STAFF, name, role)
    look = Look(actor, what, subject=subject, reason=why)
    stores().access_log.record(work.session, look, stores().clock.now())
