"""Who a session's view lets in."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from core.names import Step
from services.collection.session_cache import SessionView
from webapp.auth import Credential, has_identified, join_token
from webapp.auth.credentials import split_token

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
PATIENT = UUID("11111111-2222-8333-8444-555555555555")
SOMEBODY_ELSE = "99999999-2222-4333-8444-555555555555"
VIEW = SessionView(
    session_id=str(uuid4()),
    revision=1,
    event_seq=0,
    status="saving",
    step=Step.SAVE_FILES,
    token_hash="",
    masked_name="김*늘",
    hospital_id="PEERNINE",
    patient_uuid=str(PATIENT),
    redirect_path=None,
    auth_completed=True,
    token_renewed=True,
    approve_by=None,
    health_count=1,
    prescription_count=None,
    health_failed=False,
    prescriptions_failed=False,
    saved=False,
    collection_started=None,
    collection_end_time=None,
    error_code=None,
    created_at=NOW,
    updated_at=NOW,
    expires_at=NOW,
)


@pytest.mark.parametrize("step", list(Step))
def test_a_patient_is_identified_only_behind_that_step(step: Step):
    behind = {Step.SAVE_FILES, Step.IMPORT_FILES, Step.MAKE_REPORT, Step.FINISH}
    assert has_identified(replace(VIEW, step=step), PATIENT) is (step in behind)


def test_nobody_is_identified_without_an_approval():
    assert not has_identified(replace(VIEW, auth_completed=False), PATIENT)


@pytest.mark.parametrize("patient_uuid", [None, SOMEBODY_ELSE])
def test_a_session_is_of_its_own_patient_only(patient_uuid: str | None):
    assert not has_identified(replace(VIEW, patient_uuid=patient_uuid), PATIENT)


@pytest.mark.parametrize("token", ["", ".", "x.y", SOMEBODY_ELSE, f"{SOMEBODY_ELSE}.", f"{SOMEBODY_ELSE}.a.b", "a.b.c"])
def test_what_has_not_the_form_of_a_token_is_none(token: str):
    assert split_token(token, by_cookie=False) is None


def test_a_token_names_its_session_whatever_the_case():
    session_id = str(uuid4())
    credential = split_token(join_token(session_id, "secret"), by_cookie=True)
    assert credential == Credential(session_id, "secret", by_cookie=True)
    assert credential.is_for(session_id.upper())
    assert not credential.is_for(str(uuid4()))
    assert not credential.is_for("no-uuid")
    assert "secret" not in repr(credential)
