"""What the collection exports of a patient: when they collected what, and their orders."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.collection import CollectionRun
from models.patients import CampaignPayment, Patient
from services.collection.orders import Buyer, find_orders
from services.patients.exports import Exporter, Rows

# Not the token's hash, nor what is only needed to go on: those say nothing of the person.
_RUN = ("session_id", "status", "redirect_path", "oid", "hospital_id", "health_count", "prescription_count")
_RUN_TIMES = ("created_at", "auth_completed_at", "collection_started_at", "saved_at", "collection_ended_at")
_ORDER = ("oid", "user_name", "birth_date", "user_phone", "pipeline_step", "report_url", "created_at", "updated_at")


def _read(session: Session, patient_uuid: UUID) -> Mapping[str, Rows]:
    runs = select(*(CollectionRun.__table__.c[name] for name in (*_RUN, *_RUN_TIMES)))
    orders = select(*(CampaignPayment.__table__.c[name] for name in _ORDER))
    patient = session.get_one(Patient, patient_uuid)
    theirs = CampaignPayment.oid.in_(find_orders(session, Buyer.of(patient)))
    found = {
        "collections": runs.where(CollectionRun.patient_uuid == patient_uuid).order_by(CollectionRun.created_at),
        "orders": orders.where(theirs).order_by(CampaignPayment.created_at),
    }
    return {name: [dict(row) for row in session.execute(query).mappings()] for name, query in found.items()}


COLLECTION_EXPORTER = Exporter(frozenset({CollectionRun.__tablename__, CampaignPayment.__tablename__}), _read)
