"""Patients, their password and consent, their stored records, and the orders of a campaign."""

from models.patients.campaign_payments import CampaignPayment, PipelineStep
from models.patients.checkups import Checkup
from models.patients.consents import Consent, ConsentEnd, ConsentKind
from models.patients.hospitals import DEFAULT_HOSPITAL, Hospital
from models.patients.passwords import PatientPassword
from models.patients.patients import DEFAULT_PARTNER, Patient
from models.patients.prescriptions import Prescription
from models.patients.record_answers import RecordAnswer, RecordKind
from models.patients.record_versions import RecordVersion
from models.patients.reports import MediarcReport
from models.patients.terms import TermsAgreement

__all__ = [
    "DEFAULT_HOSPITAL",
    "DEFAULT_PARTNER",
    "CampaignPayment",
    "Checkup",
    "Consent",
    "ConsentEnd",
    "ConsentKind",
    "Hospital",
    "MediarcReport",
    "Patient",
    "PatientPassword",
    "PipelineStep",
    "Prescription",
    "RecordAnswer",
    "RecordKind",
    "RecordVersion",
    "TermsAgreement",
]
