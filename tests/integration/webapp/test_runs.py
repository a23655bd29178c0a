"""The operators' runs over HTTP."""

import io
from datetime import date
from uuid import UUID, uuid4

import orjson
import pytest
from flask import Flask

from core.clock import clock
from core.names import Status, Step
from models.collection import CollectionRun, RunState
from models.patients import ConsentKind
from services.collection.sessions import Started, start_session
from services.patients.identity import Identity
from webapp.current import parts

from .people import API

Headers = dict[str, str]
RUNS = f"{API}/admin/runs"


def start(app: Flask) -> Started:
    stores = parts(app).stores
    person = Identity(
        user_name="남가온", phone_no="01000000777", birthdate=date(1990, 2, 3), gender="F", private_auth_type="0"
    )
    with stores.unit_of_work() as work:
        return start_session(
            work,
            person,
            redirect_path=None,
            lifetime=stores.session_lifetime,
            sealer=stores.sealer,
            given=stores.consents.agree(person, list(ConsentKind), wants_report=False, now=clock.now()),
            now=clock.now(),
            request_id="request-1",
        )


@pytest.fixture
def stopped(app: Flask) -> str:
    """A run that stopped while saving."""
    started = start(app)
    with parts(app).stores.unit_of_work() as work:
        run = work.session.get_one(CollectionRun, UUID(started.session_id))
        run.step, run.status, run.error_code = Step.SAVE_FILES, Status.ERROR, "STORAGE_FAILED"
    return started.session_id


def test_staff_list_runs_that_stopped(app: Flask, staff: Headers, stopped: str):
    answer = app.test_client().get(f"{RUNS}?errors=true&state=idle", headers=staff).json
    assert (stopped, "STORAGE_FAILED") in [(run["session_id"], run["error_code"]) for run in answer["runs"]]


def test_a_page_of_runs_begins_after_the_last(app: Flask, staff: Headers, stopped: str):
    newest = app.test_client().get(f"{RUNS}?limit=1", headers=staff).json["runs"][0]
    older = app.test_client().get(RUNS, query_string={"before": newest["updated_at"]}, headers=staff).json["runs"]
    assert newest["session_id"] not in [run["session_id"] for run in older]


def test_no_run_is_skipped_that_changed_in_the_same_moment(app: Flask, staff: Headers):
    stores, moment = parts(app).stores, clock.now()
    asked = {start(app).session_id for _ in range(3)}
    with stores.unit_of_work() as work:
        for session_id in asked:
            work.session.get_one(CollectionRun, UUID(session_id)).updated_at = moment
    seen, place = [], {}
    while asked - set(seen) and len(seen) < 50:
        [run] = app.test_client().get(RUNS, query_string={"limit": 1, **place}, headers=staff).json["runs"]
        place = {"before": run["updated_at"], "before_id": run["session_id"]}
        seen.append(run["session_id"])
    assert len(seen) == len(set(seen))


def test_a_run_tells_its_story_without_its_person(app: Flask, staff: Headers, stopped: str):
    answer = app.test_client().get(f"{RUNS}/{stopped}", headers=staff)
    assert answer.json["run"]["summary"]["step"] == Step.SAVE_FILES
    assert not {"남가온", "01000000777", "19900203"} & set(answer.text.split('"'))


def test_staff_resume_a_stopped_run_once(app: Flask, staff: Headers, stopped: str):
    first = app.test_client().post(f"{RUNS}/{stopped}/resume", headers=staff)
    second = app.test_client().post(f"{RUNS}/{stopped}/resume", headers=staff)
    assert (first.status_code, first.json["run"]["summary"]["run_state"]) == (202, RunState.READY)
    assert (second.status_code, second.json["error"]["code"]) == (409, "RUN_NOT_STOPPED")


def test_staff_cancel_a_run(app: Flask, staff: Headers, stopped: str):
    answer = app.test_client().post(f"{RUNS}/{stopped}/cancel", headers=staff)
    assert answer.json["run"]["summary"]["status"] == Status.CANCELLED


@pytest.mark.parametrize(("method", "verb"), [("get", ""), ("post", "/resume"), ("post", "/cancel")])
def test_what_staff_do_with_a_run_is_logged_with_their_name(
    app: Flask, staff: Headers, stopped: str, logged: io.StringIO, method: str, verb: str
):
    assert getattr(app.test_client(), method)(f"{RUNS}/{stopped}{verb}", headers=staff).status_code < 300
    line = orjson.loads(logged.getvalue().splitlines()[-1])
    assert (line["staff"], line["session_id"], line["method"]) == ("op-1", stopped, method.upper())


@pytest.mark.parametrize(("method", "verb"), [("get", ""), ("post", "/resume"), ("post", "/cancel")])
def test_an_unknown_run_is_not_found(app: Flask, staff: Headers, method: str, verb: str):
    answer = getattr(app.test_client(), method)(f"{RUNS}/{uuid4()}{verb}", headers=staff)
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "SESSION_NOT_FOUND")


@pytest.mark.parametrize(
    "query", ["state=sleeping", "limit=0", "before=yesterday", "before_id=7", f"before_id={UUID(int=7)}"]
)
def test_a_wrong_question_names_its_field(app: Flask, staff: Headers, query: str):
    answer = app.test_client().get(f"{RUNS}?{query}", headers=staff)
    assert (answer.status_code, list(answer.json["error"]["details"])) == (400, [query.partition("=")[0]])
