"""The tables, one file each, and the decisions that need no input or output."""

from models.campaign_payments import CampaignPayment, PipelineStep
from models.checkups import Checkup
from models.collection import CollectionRun, CollectionStep, RunState
from models.hospitals import DEFAULT_HOSPITAL, Hospital
from models.outbox import OutboxEvent
from models.passwords import PatientPassword
from models.patients import DEFAULT_PARTNER, Patient
from models.prescriptions import Prescription
from models.processes import ProcessLease
from models.reports import MediarcReport
from models.table import SCHEMA, Table
from models.terms import TermsAgreement

__all__ = [
    "DEFAULT_HOSPITAL",
    "DEFAULT_PARTNER",
    "SCHEMA",
    "CampaignPayment",
    "Checkup",
    "CollectionRun",
    "CollectionStep",
    "Hospital",
    "MediarcReport",
    "OutboxEvent",
    "Patient",
    "PatientPassword",
    "PipelineStep",
    "Prescription",
    "ProcessLease",
    "RunState",
    "Table",
    "TermsAgreement",
]
