"""With Redis away rights are decided as ever, and what cannot be counted is not let in."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from core.settings import Settings
from dev.local.ports import pick_port
from models.accounts import RevokedWhy
from services.accounts.logins import revoke_login
from tests.integration.conftest import AppOf
from tests.integration.webapp.people import API
from webapp.current import parts

from .conftest import Phone, code
from .test_actions import arrive


@pytest.fixture
def lonely(app_of: AppOf, demo_env: dict[str, str]) -> Flask:
    """The same app whose Redis is away."""
    return app_of(Settings.read(demo_env | {"REDIS_URL": f"redis://127.0.0.1:{pick_port()}/0"}))


def test_a_login_that_holds_is_served_and_one_that_does_not_is_not(lonely: Flask, phone: Phone):
    client = lonely.test_client()
    assert client.get(f"{API}/patient-journey/current-state/", headers=phone.bearer).status_code == 200
    with parts(lonely).stores.unit_of_work() as work:
        revoke_login(work.session, phone.sid, RevokedWhy.SIGNED_OUT)
    assert code(client.get(f"{API}/queue/", headers=phone.bearer)) == (401, "TOKEN_REVOKED")


def test_nobody_logs_in_uncounted(lonely: Flask, people: list[UUID]):
    who = {"phone_last4": "0001", "birth_date": "1940-02-01", "name": "시연001"}
    assert code(lonely.test_client().post(f"{API}/auth/simple-login", json=who)) == (503, "STORE_UNAVAILABLE")


def test_a_snapshot_costs_six_statements_for_one_entry_as_for_two(
    phone: Phone, desk: Any, people: list[UUID], count_statements: Callable[[], Any]
):
    arrive(phone)
    counts = []
    for exam_id in ("EX-BLOOD", "EX-XRAY"):
        joined = desk.ask("POST", "/queue/join", json={"exam_id": exam_id, "patient_id": str(people[0])})
        assert joined.status_code == 201
        with count_statements() as statements:
            phone.ask("GET", "/patient-journey/current-state/")
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 6, statements
