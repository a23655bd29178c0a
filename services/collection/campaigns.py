"""Orders of the campaign: how far each is, moved forward by the collection and never by somebody else's session."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.patients import CampaignPayment, Patient, PipelineStep
from services.patients.identity import Identity, normalize_name, normalize_phone

# A report that was made outranks a later failure to make one: the person keeps what they paid for.
_ORDER = {
    None: 0,
    PipelineStep.TILKO_SYNCING: 1,
    PipelineStep.DATA_COLLECTED: 2,
    PipelineStep.REPORT_WAITING: 3,
    PipelineStep.REPORT_FAILED: 4,
    PipelineStep.REPORT_COMPLETED: 5,
}


@dataclass(frozen=True)
class OrderedReport:
    """What an order keeps of its report."""

    report_url: str | None
    mediarc_response: dict[str, Any]


def may_move(current: str | None, step: PipelineStep, *, new_run: bool) -> bool:
    """Forwards within a run, so that a repeated step of it takes nothing back; anywhere when a new run begins."""
    rank = _ORDER[PipelineStep(current)] if current else _ORDER[None]
    return new_run or _ORDER[step] >= rank


def move_order(
    session: Session,
    oid: str | None,
    step: PipelineStep,
    *,
    identity: Identity,
    now: datetime,
    patient_uuid: UUID | None = None,
    new_run: bool = False,
    report: OrderedReport | None = None,
) -> bool:
    """Move the order, and attach the patient when it has none. False: no such order, or not this person's.

    An order that is further already stays there (True): see `may_move`. Say `new_run` once, when a session begins.
    """
    order = _lock_order(session, oid) if oid else None
    if order is None or not _belongs_to(session, order, identity):
        return False
    if order.patient_uuid is None and patient_uuid is not None:
        order.patient_uuid = patient_uuid
        order.updated_at = now
    if may_move(order.pipeline_step, step, new_run=new_run):
        _move(order, step, report, now)
    session.flush()
    return True


def find_own_order(session: Session, identity: Identity) -> str | None:
    """The oid that came with this person, where there is such an order and it is theirs; else nothing is attached."""
    order = session.get(CampaignPayment, identity.oid) if identity.oid else None
    return identity.oid if order is not None and _belongs_to(session, order, identity) else None


def _lock_order(session: Session, oid: str) -> CampaignPayment | None:
    query = select(CampaignPayment).where(CampaignPayment.oid == oid).with_for_update()
    return session.scalar(query.execution_options(populate_existing=True))


def _belongs_to(session: Session, order: CampaignPayment, identity: Identity) -> bool:
    """Whether this is its buyer, by all three fields; an order that lacks one is nobody's, for an oid stands in links
    and is no key."""
    if order.user_name is None or order.birth_date is None or order.user_phone is None:
        return False
    buyer = (normalize_name(order.user_name), order.birth_date, normalize_phone(order.user_phone))
    if buyer != (identity.user_name, identity.birthdate, identity.phone_no):
        return False
    owner = session.get(Patient, order.patient_uuid) if order.patient_uuid else None
    return owner is None or (owner.name, owner.birth_date, owner.phone) == buyer


def _move(order: CampaignPayment, step: PipelineStep, report: OrderedReport | None, now: datetime) -> None:
    if order.pipeline_step != step:
        order.pipeline_step = step
        order.updated_at = now
    if report is not None:
        order.report_url = report.report_url
        order.mediarc_response = report.mediarc_response
        order.updated_at = now
