"""Answers that were had, and did not come into the database: told to the person, and nothing of them is counted."""

from collections.abc import Collection
from datetime import datetime

from core.names import Event, Step
from models.collection import CollectionRun
from services.collection import transitions
from services.collection.events import say
from services.collection.failures import describe
from services.collection.step import AfterFailure
from services.collection.steps.fetch_prescriptions import stop_without_records
from services.delivery.unit_of_work import Work
from spool import AnswerKind
from upstream.tilko.errors import AnswerUnreadable

UNREADABLE = describe(AnswerUnreadable())


def tell_unsaved(work: Work, run: CollectionRun, kinds: Collection[AnswerKind], now: datetime) -> None:
    data = {"code": UNREADABLE.code}
    if AnswerKind.HEALTH in kinds:
        run.health_failed, run.health_count = True, None
        message = "건강검진 기록을 저장하지 못했어요. 담당자가 확인하고 있어요."
        say(work, run.session_id, Event.HEALTH_DATA_FAILED, message, now=now, status=run.status, data=data)
    if AnswerKind.PRESCRIPTION in kinds:
        run.prescriptions_failed, run.prescription_count = True, None
        message = "진료·투약 기록을 저장하지 못했어요. 담당자가 확인하고 있어요."
        say(work, run.session_id, Event.PRESCRIPTION_DATA_FAILED, message, now=now, status=run.status, data=data)


def stop_unsaved(work: Work, run: CollectionRun, now: datetime) -> AfterFailure:
    """Nothing is left."""
    run.health_failed = run.prescriptions_failed = True
    run.health_count = run.prescription_count = None
    transitions.move_to_step(run, Step.FETCH_PRESCRIPTIONS)
    return stop_without_records(work, run, now)
