"""The steps of a collection, one file each, and the register of them."""

from core.names import Step
from services.collection.step import Behaviour
from services.collection.steps.fetch_health_data import FetchHealthData
from services.collection.steps.fetch_prescriptions import FetchPrescriptions
from services.collection.steps.finish import Finish
from services.collection.steps.identify_patient import IdentifyPatient
from services.collection.steps.import_files import ImportFiles
from services.collection.steps.make_report import MakeReport
from services.collection.steps.request_simple_auth import RequestSimpleAuth
from services.collection.steps.save_files import SaveFiles

BEHAVIOURS: dict[Step, Behaviour] = {
    behaviour.step: behaviour
    for behaviour in (
        RequestSimpleAuth(),
        FetchHealthData(),
        FetchPrescriptions(),
        IdentifyPatient(),
        SaveFiles(),
        ImportFiles(),
        MakeReport(),
        Finish(),
    )
}
