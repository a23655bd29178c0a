"""Patients, their password and consent, their stored records, and the orders of a campaign."""

from models.patients.access_log import (
    NO_OPENING,
    OWN_KINDS,
    AccessDay,
    AccessedWhat,
    AccessEntry,
    ActorKind,
    PatientKey,
)
from models.patients.campaign_payments import CampaignPayment, PipelineStep
from models.patients.checkups import Checkup
from models.patients.consents import Consent, ConsentEnd, ConsentKind
from models.patients.erasures import Erasure, ErasureState, Tombstone
from models.patients.exports import Export, ExportState
from models.patients.hospitals import DEFAULT_HOSPITAL, Hospital
from models.patients.passwords import PatientPassword
from models.patients.patient_joins import PatientJoin
from models.patients.patient_sessions import OpenedBy, PatientSession
from models.patients.patients import DEFAULT_PARTNER, Patient
from models.patients.prescriptions import Prescription
from models.patients.record_answers import RecordAnswer, RecordKind
from models.patients.record_versions import RecordVersion
from models.patients.reports import MediarcReport
from models.patients.terms import TermsAgreement

__all__ = [
    "DEFAULT_HOSPITAL",
    "DEFAULT_PARTNER",
    "NO_OPENING",
    "OWN_KINDS",
    "AccessDay",
    "AccessEntry",
    "AccessedWhat",
    "ActorKind",
    "CampaignPayment",
    "Checkup",
    "Consent",
    "ConsentEnd",
    "ConsentKind",
    "Erasure",
    "ErasureState",
    "Export",
    "ExportState",
    "Hospital",
    "MediarcReport",
    "OpenedBy",
    "Patient",
    "PatientJoin",
    "PatientKey",
    "PatientPassword",
    "PatientSession",
    "PipelineStep",
    "Prescription",
    "RecordAnswer",
    "RecordKind",
    "RecordVersion",
    "TermsAgreement",
    "Tombstone",
]
