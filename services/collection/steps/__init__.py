"""The steps of a collection, one file each, and the handlers of all of them, each with what it needs and no more."""

from datetime import timedelta

from sqlalchemy.orm import Session, sessionmaker

from core.clock import Clock
from core.names import Step
from core.sealing import Sealer
from core.settings import Settings
from services.collection.files_import import FileImporter
from services.collection.paid_calls import PaidCalls
from services.collection.step import StepHandler
from services.collection.steps.fetch_health_data import FetchHealthData
from services.collection.steps.fetch_prescriptions import FetchPrescriptions
from services.collection.steps.finish import Finish
from services.collection.steps.identify_patient import IdentifyPatient
from services.collection.steps.import_files import ImportFiles
from services.collection.steps.make_report import MakeReport
from services.collection.steps.request_simple_auth import RequestSimpleAuth
from services.collection.steps.save_files import SaveFiles
from spool import Spool
from upstream.mediarc.client import MediarcClient
from upstream.tilko.client import TilkoClient


def build_handlers(  # noqa: PLR0913 what all of them need together
    *,
    tilko: TilkoClient,
    mediarc: MediarcClient,
    spool: Spool,
    calls: PaidCalls,
    importer: FileImporter,
    sessions: sessionmaker[Session],
    sealer: Sealer,
    clock: Clock,
    settings: Settings,
) -> dict[Step, StepHandler]:
    """One handler per step that a worker does."""
    pseudonym_key, providers = settings.secrets.pseudonym_key, settings.providers
    handlers: tuple[StepHandler, ...] = (
        RequestSimpleAuth(tilko, calls, sealer, timedelta(seconds=settings.collection.approve_within_seconds)),
        FetchHealthData(tilko, calls, pseudonym_key, providers.tilko_checkups_timeout_seconds),
        FetchPrescriptions(tilko, calls, pseudonym_key, providers.tilko_treatments_timeout_seconds),
        IdentifyPatient(pseudonym_key),
        SaveFiles(spool),
        ImportFiles(spool, importer),
        MakeReport(mediarc, calls, sessions, clock, providers.mediarc_timeout_seconds),
        Finish(),
    )
    return {handler.step: handler for handler in handlers}
