"""The checker and the day's figures over HTTP, in /metrics and as a command."""

from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask

from models.journey import Exam, JourneyState
from tests.integration.commands import run_command
from tests.integration.services.journey.hospital import Hospital
from tests.integration.webapp.journey.conftest import Desk, Phone, code
from tests.integration.webapp.people import API
from webapp.current import parts


@pytest.fixture
def ill(app: Flask, people: list[UUID]) -> UUID:
    """Somebody who waits by their state, and by no entry; and another whose call was told a wait of ten minutes."""
    here = parts(app).stores
    with here.unit_of_work() as work:
        hospital, now = Hospital(work.session), here.clock.now()
        hospital.now = now
        called = {"state": "called", "called_at": now, "joined_at": now - timedelta(minutes=12)}
        called |= {"predicted_wait_minutes": 10, "service_date": now.astimezone(here.settings.journey.time_zone).date()}
        exam = work.session.get_one(Exam, "EX-BLOOD")
        entry = hospital.entry(exam, hospital.visitor(JourneyState.CALLED), **called)
        hospital.notification(entry, "patient_called")
        return hospital.visitor(JourneyState.WAITING).user_id


@pytest.mark.parametrize("path", ["/admin/journey/health", "/admin/journey/stats/"])
def test_operators_and_admins_may_see_it_and_nobody_else(
    app: Flask, path: str, staff: dict[str, str], desk: Desk, chief: Desk, phone: Phone
):
    client = app.test_client()
    headers = (staff, chief.bearer, desk.bearer, phone.bearer, {})
    assert [client.get(API + path, headers=one).status_code for one in headers] == [200, 200, 403, 403, 401]


def test_findings_are_named_by_random_ids(app: Flask, ill: UUID, chief: Desk):
    found = chief.ask("GET", "/admin/journey/health").json
    assert (found["healthy"], found["orphans"]["count"]) == (False, 1)
    assert str(ill) in {item["user_id"] for item in found["inconsistencies"]["items"]}
    assert "시연" not in str(found)


def test_each_exam_has_its_day(app: Flask, ill: UUID, chief: Desk):
    found = chief.ask("GET", "/admin/journey/stats").json
    blood = found["exams"]["EX-BLOOD"]
    assert (blood["wait_median"], blood["error"], blood["bias"], blood["calls_unseen"]) == (12.0, 2.0, -2.0, 1)
    assert found["exams"]["EX-XRAY"]["wait_median"] is None
    assert (found["active_queues"], found["state_distribution"]["CALLED"]) == (1, 1)


def test_metrics_tell_how_the_journey_fares(app: Flask, ill: UUID):
    text = app.test_client().get("/metrics").text
    assert 'welno_journey_wait_error_minutes{exam="EX-BLOOD"} 2.0' in text
    assert 'welno_journey_calls_total{seen="no"} 1.0' in text
    assert "welno_journey_mismatch_ratio 0." in text


def test_findings_are_only_read(chief: Desk):
    assert code(chief.ask("POST", "/admin/journey/health")) == (405, "METHOD_NOT_ALLOWED")


@pytest.fixture
def env(app: Flask, demo_env: dict[str, str], postgres_url: str) -> dict[str, str]:
    del app  # which has made the tables
    return demo_env | {"DATABASE_URL": postgres_url}


@pytest.mark.parametrize("command", [("tasks.journey.health",), ("flask", "--app=webapp", "check-state-health")])
def test_by_either_name_the_command_ends_with_1_for_findings(env: dict[str, str], ill: UUID, command: tuple[str, ...]):
    done = run_command(*command, env=env)
    assert (done.status, f"{ill}  PS WAITING" in done.output) == (1, True)
    assert "realigned" in run_command(*command, "--fix", env=env).output


def test_the_command_is_content_with_a_healthy_hospital(env: dict[str, str], people: list[UUID]):
    done = run_command("tasks.journey.health", "--fix", env=env)
    assert (done.status, "inconsistencies 0" in done.output) == (0, True)
