"""The steps of a collection, one file each, and the handlers of all of them, each with what it needs and no more."""

from sqlalchemy.orm import Session, sessionmaker

from core.clock import Clock
from core.names import Step
from core.sealing import Sealer
from core.settings import Settings
from services.collection.answers import AnswerStore
from services.collection.files_import import FileImporter
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


def build_handlers(
    *,
    tilko: TilkoClient,
    mediarc: MediarcClient,
    spool: Spool,
    importer: FileImporter,
    sessions: sessionmaker[Session],
    sealer: Sealer,
    clock: Clock,
    settings: Settings,
) -> dict[Step, StepHandler]:
    """One handler per step that a worker does."""
    answers = AnswerStore(spool, settings.collection.call_patience_seconds)
    pseudonym_key = settings.secrets.pseudonym_key
    handlers: tuple[StepHandler, ...] = (
        RequestSimpleAuth(tilko, sealer),
        FetchHealthData(tilko, answers, pseudonym_key),
        FetchPrescriptions(tilko, answers, pseudonym_key),
        IdentifyPatient(pseudonym_key),
        SaveFiles(spool),
        ImportFiles(spool, importer),
        MakeReport(mediarc, sessions, clock),
        Finish(),
    )
    return {handler.step: handler for handler in handlers}
