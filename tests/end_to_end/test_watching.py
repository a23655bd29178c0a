"""What operators see: named steps in Flower, one request id through all logs, health."""

import json
from typing import Any

import httpx
import pytest

from core.names import Queue, Step, step_task
from tests.end_to_end.person import REPORT_PAGE, Visit
from tests.end_to_end.product import Product
from tests.end_to_end.provider import LOGIN_CHECK
from tests.plain_http import NO_TLS
from tests.waiting import wait_until

WORKER_STEPS = {step.value for step in Step} - {Step.POLL_SIMPLE_AUTH.value}


def tasks_of(product: Product, visit: Visit) -> dict[str, dict[str, Any]]:
    """By step, as Flower's API tells them."""
    url, asked = f"{product.stack.flower_url}/api/tasks", {"limit": 10_000}
    answer = httpx.get(url, params=asked, headers=product.operator, timeout=20, verify=NO_TLS)
    shown = [task for task in answer.json().values() if visit.session_id in (task["args"] or "")]
    return {task["name"].rpartition(".")[2]: task for task in shown}


def test_flower_shows_every_step_of_a_chain_with_queue_time_and_state(product: Product):
    visit = product.meet().is_known_with().collects(redirect_path=REPORT_PAGE)
    tasks = wait_until(lambda: found if len(found := tasks_of(product, visit)) == len(Step) else None)
    assert {task["name"] for task in tasks.values()} == {step_task(step) for step in Step}
    wait_until(lambda: {task["state"] for task in tasks_of(product, visit).values()} == {"SUCCESS"})
    for task in tasks_of(product, visit).values():
        assert task["routing_key"] == Queue.COLLECTION
        assert task["started"]
        assert task["runtime"] >= 0
        assert task["args"] == f"('{visit.session_id}',)"
        assert task["kwargs"] in ("{}", "")


def test_flower_shows_a_wait_for_the_phone_and_its_end(product: Product):
    visit = product.meet().is_known_with().start().asks_for_push()
    wait_until(lambda: tasks_of(product, visit).get("poll_simple_auth", {}).get("state") == "STARTED")
    cx_id = product.provider.cx_id_of(visit.person.phone_no)
    wait_until(lambda: product.provider.count_calls(LOGIN_CHECK, cx_id))
    visit.cancel()
    wait_until(lambda: tasks_of(product, visit)["poll_simple_auth"]["state"] == "REVOKED")


def test_flower_shows_a_step_that_failed_with_the_kind_of_error_only(product: Product):
    visit = product.meet().is_known_with().start()
    with product.provider.fault("simpleauthrequest", error_code=9001, message="입력하신 정보"):
        visit.asks_for_push().wait_for("info_required")
    wait_until(lambda: tasks_of(product, visit).get("request_simple_auth", {}).get("state") == "FAILURE")
    assert tasks_of(product, visit)["request_simple_auth"]["exception"] == "WrongPersonalData"


def log_lines(product: Product, name: str) -> list[dict[str, Any]]:
    lines = (product.logs / f"{name}.log").read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def test_the_id_of_a_request_runs_into_every_step_of_its_chain(product: Product):
    visit = product.meet().is_known_with().start(redirect_path=REPORT_PAGE)
    asked = visit.browser.post(
        "/api/v1/tilko/session/simple-auth",
        params={"session_id": visit.session_id},
        headers={"X-Request-ID": f"e2e-{visit.session_id[:8]}"},
    )
    request_id = asked.headers["X-Request-ID"]
    assert request_id == f"e2e-{visit.session_id[:8]}"
    visit.approves().wait_for("completed")
    mine = [line for line in log_lines(product, "worker") if line.get("session_id") == visit.session_id]
    done = {line["step"]: line["request_id"] for line in mine if line["event"] == "step_done"}
    assert done == dict.fromkeys(WORKER_STEPS, request_id)
    assert {line["request_id"] for line in log_lines(product, "web") if line.get("request_id") == request_id}


def test_the_poll_of_an_approval_logs_the_same_id(product: Product):
    visit = product.meet().is_known_with().start()
    request_id = visit.ask_for_push().headers["X-Request-ID"]
    visit.approves().wait_for("completed")
    polled = [line for line in log_lines(product, "poller") if line.get("session_id") == visit.session_id]
    assert request_id in {line.get("request_id") for line in polled}


def test_a_step_that_fails_logs_the_same_id(product: Product):
    visit = product.meet().is_known_with().start()
    with product.provider.fault("simpleauthrequest", error_code=9001, message="입력하신 정보"):
        request_id = visit.ask_for_push().headers["X-Request-ID"]
        visit.wait_for("info_required")
    failed = [line for line in log_lines(product, "worker") if line.get("session_id") == visit.session_id]
    assert {line["request_id"] for line in failed if line["event"] == "step_failed"} == {request_id}


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/readyz/process", "/metrics", "/api/docs", "/api/openapi.json", "/"]
)
def test_what_machines_and_people_look_at_first_answers(product: Product, path: str):
    assert product.get(path).status_code == 200
