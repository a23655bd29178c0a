"""What is saved of an answer: its own time and the days that were asked for, whenever the saving succeeds."""

from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from core.clock import Clock
from core.names import Step
from core.sealing import Sealer
from models.collection import CollectionRun
from services.collection.call_turn import CallTurn
from services.collection.step import Claim
from services.collection.steps.save_files import SaveFiles
from spool import AnswerKind, DataType, KeptAnswer, Metadata, Spool

from .conftest import NOW, MakeIdentity


@pytest.fixture
def claim(make_identity: MakeIdentity) -> Claim:
    """Of the step that saves, a day after the answers came."""
    session_id = uuid4()
    return Claim(
        session_id=session_id,
        step=Step.SAVE_FILES,
        fence=1,
        attempt=3,
        request_id="r",
        started_at=NOW + timedelta(days=1),
        hospital_id="PEERNINE",
        patient_uuid=uuid4(),
        health_count=0,
        health_failed=False,
        approve_by=None,
        prescription_count=0,
        turn=CallTurn(0.0),
        consents_until=None,
        identity=make_identity(),
        auth=None,
        run=CollectionRun(session_id=session_id, created_at=NOW - timedelta(minutes=5)),
    )


def save(claim: Claim, folder: Path) -> dict[DataType, Metadata]:
    session_id = str(claim.session_id)
    clock = Clock()
    with clock.frozen(NOW):
        spool = Spool(folder, Sealer({"k1": bytes(32)}), clock)
        spool.ensure_folders()
        for kind in (AnswerKind.HEALTH, AnswerKind.PRESCRIPTION):
            about = {"came_at": clock.now().isoformat()}
            spool.put_incoming(session_id, kind, KeptAnswer(b'{"ResultList": []}', about))
            clock.advance(timedelta(seconds=7))
        clock.advance(timedelta(days=1))
        SaveFiles(spool).run(claim)
        return {info.data_type: spool.export(info.name).metadata for info in spool.names_of(session_id)}


def test_an_answer_is_of_when_it_came_not_of_when_it_was_saved(claim: Claim, tmp_path: Path) -> None:
    saved = save(claim, tmp_path)
    assert [saved[kind].answered_at for kind in DataType] == [None, NOW, NOW + timedelta(seconds=7)]
    assert {metadata.created_at for metadata in saved.values()} == {NOW + timedelta(days=1)}


def test_the_days_that_were_asked_for_are_saved_with_the_answer(claim: Claim, tmp_path: Path) -> None:
    saved = save(claim, tmp_path)
    windows = [(saved[kind].window_first, saved[kind].window_last) for kind in DataType]
    assert windows == [
        (None, None),
        (date(2017, 1, 1), date(2026, 11, 21)),
        (date(2025, 9, 21), date(2026, 9, 21)),
    ]
