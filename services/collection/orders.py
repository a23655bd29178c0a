"""Whose orders are whose: of the patient that they name, or, before one did, of the buyer who gave these three."""

from dataclasses import dataclass, field
from datetime import date
from typing import Protocol
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models.patients import CampaignPayment, Patient
from services.patients.identity import normalize_name, normalize_phone


class _Known(Protocol):
    @property
    def patient_uuid(self) -> UUID: ...
    @property
    def name(self) -> str: ...
    @property
    def phone(self) -> str: ...
    @property
    def birth_date(self) -> date: ...


@dataclass(frozen=True)
class Buyer:
    """A patient, normalized as they are stored."""

    patient_uuid: UUID
    name: str = field(repr=False)
    phone: str = field(repr=False)
    birth_date: date = field(repr=False)

    @classmethod
    def of(cls, patient: Patient) -> "Buyer":
        return cls(patient.uuid, patient.name, patient.phone, patient.birth_date)


def find_orders(session: Session, buyer: _Known) -> list[str]:
    """The numbers (`oid`) of all that are theirs."""
    order = CampaignPayment
    query = select(order.oid, order.patient_uuid, order.user_name, order.user_phone).where(
        or_(order.birth_date == buyer.birth_date, order.patient_uuid == buyer.patient_uuid)
    )
    return [
        row.oid
        for row in session.execute(query)
        if row.patient_uuid == buyer.patient_uuid or _is_buyer(row.user_name, row.user_phone, buyer)
    ]


def _is_buyer(name: str | None, phone: str | None, buyer: _Known) -> bool:
    return (normalize_name(name or ""), normalize_phone(phone or "")) == (buyer.name, buyer.phone)
