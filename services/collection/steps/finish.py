"""Step 8: say that all is done. `completed` is the last event of a session."""

from datetime import datetime

from core.names import Status, Step, Streaming
from models.collection import CollectionRun
from services.collection.events import say_streaming
from services.collection.failures import Failure
from services.collection.step import AfterFailure, Claim, StepHandler
from services.collection.steps.identify_patient import fail_saving
from services.delivery.unit_of_work import Work

_SOME_MISSING = "가져온 기록을 안전하게 저장했어요. 가져오지 못한 기록이 있어요."


class Finish(StepHandler):
    """Says `completed` in the transaction that ends the run, so it is said once."""

    step = Step.FINISH
    only_rows = True

    def on_success(self, work: Work, run: CollectionRun, result: None, *, claim: Claim, now: datetime) -> None:
        run.status = Status.COMPLETED
        data = {
            # Null, as in the status, for what could not be had: 0 would say that the insurer has nothing.
            "counts": {"health_data": run.health_count, "prescription_data": run.prescription_count},
            "patient_uuid": str(run.patient_uuid),
            "hospital_id": run.hospital_id,
        }
        message = _SOME_MISSING if run.health_failed or run.prescriptions_failed else None
        say_streaming(work, run.session_id, Streaming.COMPLETED, now=now, data=data, message=message)

    def on_failure(
        self, work: Work, run: CollectionRun, failure: Failure, *, claim: Claim, now: datetime
    ) -> AfterFailure:
        return fail_saving(work, run, failure, now)
