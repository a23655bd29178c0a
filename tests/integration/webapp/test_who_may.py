"""Every route, tried by its owner, by a colleague with a session of their own, and by a stranger."""

from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from .people import Person


@dataclass(frozen=True)
class Call:
    """One call, and how it answers the three. `{s}` and `{p}` stand for the owner's session and patient."""

    method: str
    path: str
    owner: int
    colleague: int
    stranger: int
    body: dict[str, Any] | None = None


SESSION, PATIENT, ADMIN = "/api/v1/tilko/session/{s}", "/api/v1/patients/{p}", "/api/v1/admin/files"
RUNS = "/api/v1/admin/runs"
SIX = {"password": "592704"}
BOTH = {"current_password": "592704", "new_password": "804365"}
SOMEBODY = {"user_name": "없는사람", "birthdate": "19700101", "phone_no": "01000000000"}
CALLS = {
    "sessions.simple_auth": Call("POST", "/api/v1/tilko/session/simple-auth?session_id={s}", 200, 404, 404),
    "sessions.collect_data": Call("POST", SESSION + "/collect-data", 200, 404, 404),
    "sessions.status": Call("GET", SESSION + "/status", 200, 404, 404),
    "sessions.status_alias": Call("GET", "/api/v1/tilko/session/status/{s}", 200, 404, 404),
    "sessions.cancel": Call("DELETE", SESSION, 204, 404, 404),
    "session_stream.messages": Call("GET", SESSION + "/messages", 200, 404, 404),
    "session_stream.events": Call("GET", SESSION + "/events", 200, 404, 404),
    "patients.checkups": Call("GET", PATIENT + "/checkups", 200, 404, 404),
    "patients.prescriptions": Call("GET", PATIENT + "/prescriptions", 200, 404, 404),
    "patients.report": Call("GET", PATIENT + "/report", 200, 404, 404),
    "browser_keys.show_key": Call("GET", PATIENT + "/browser-key", 200, 404, 404),
    "access_log.show_looks": Call("GET", PATIENT + "/access-log", 200, 404, 404),
    "erasures.erase": Call("DELETE", PATIENT, 202, 404, 404),
    "exports.ask": Call("POST", PATIENT + "/export", 202, 404, 404),
    "exports.show": Call("GET", PATIENT + "/exports/{s}", 404, 404, 404),  # test_exports.py has one that is there
    "access_log.audit": Call("GET", "/api/v1/admin/access-log?reason=because", 401, 401, 401),
    "consents.consents": Call("GET", PATIENT + "/consents", 200, 404, 404),
    "consents.withdraw": Call("POST", PATIENT + "/consents/sensitive/withdraw", 200, 404, 404),
    "joins.show_join": Call("GET", PATIENT + "/join", 200, 404, 404),
    "joins.join": Call("POST", PATIENT + "/join", 401, 404, 404, SOMEBODY | SIX),
    "joins.undo": Call("DELETE", PATIENT + "/join", 404, 404, 404),  # see test_joins.py
    "patient_sessions.show_sessions": Call("GET", PATIENT + "/sessions", 200, 404, 404),
    "patient_sessions.end_session": Call(
        "DELETE", PATIENT + "/sessions/{s}", 404, 404, 404
    ),  # see test_patient_sessions.py
    "patient_sessions.end_other_sessions": Call("DELETE", PATIENT + "/sessions", 204, 404, 404),
    "passwords.set_password": Call("POST", PATIENT + "/password/set", 201, 404, 404, SIX),
    "passwords.reset_password": Call("POST", PATIENT + "/password/reset", 200, 404, 404, SIX),
    # Nobody has set one: whoever asks is told the same as of a patient who does not exist.
    "passwords.verify_password": Call("POST", PATIENT + "/password/verify", 404, 404, 404, SIX),
    "passwords.change_password": Call("POST", PATIENT + "/password/change", 404, 404, 404, BOTH),
    "operator_sign_out.end_sessions": Call("POST", "/api/v1/admin/sessions/end", 401, 401, 401, {}),
    "runs.show_runs": Call("GET", RUNS, 401, 401, 401),
    "runs.show_run": Call("GET", RUNS + "/{s}", 401, 401, 401),
    "runs.resume_run": Call("POST", RUNS + "/{s}/resume", 401, 401, 401),
    "runs.cancel": Call("POST", RUNS + "/{s}/cancel", 401, 401, 401),
    "failed_requests.find_request": Call("GET", "/api/v1/admin/requests/{s}", 401, 401, 401),
    "stream_metrics.show_metrics": Call("GET", "/api/metrics/sse", 401, 401, 401),
    "stream_metrics.show_connections": Call("GET", "/api/metrics/sse/connections", 401, 401, 401),
    "auth.logout": Call("POST", "/api/v1/auth/logout", 401, 401, 401),
    "auth.open_flower": Call("POST", "/api/v1/auth/flower", 401, 401, 401),
    "auth.set_up_second_factor": Call("POST", "/api/v1/auth/totp", 401, 401, 401, {}),
    "files.list_files": Call("GET", ADMIN, 401, 401, 401),
    "files.show_file": Call("GET", ADMIN + "/x", 401, 401, 401),
    "files.retry_file": Call("POST", ADMIN + "/x/retry", 401, 401, 401),
    "files.discard_file": Call("POST", ADMIN + "/x/discard", 401, 401, 401),
    "files.clean_files": Call("POST", ADMIN + "/clean", 401, 401, 401, {"older_than_days": 30}),
}
# Tried elsewhere: a WebSocket needs a server (test_sockets.py).
ELSEWHERE = {"serve_socket"}
PUBLIC = {
    "static",
    "sessions.start",
    "consents.texts",
    "auth.staff_login",
    "erasures.show_receipt",
    "patient_sessions.sign_out",
    "patient_sign_in.sign_in",
    "exports.fetch",
    "health.healthz",
    "health.readyz",
    "health.readyz_process",
    "health.metrics",
    "reference.show_reference",
    "asyncapi.show_document",
    "reference.show_document",
}


def test_every_route_is_tried_or_named_as_public(app: Flask):
    # In the folders of the same names.
    tried_elsewhere = ("pages", "journey", "members.", "interviews", "threads", "shl")
    routes = {rule.endpoint for rule in app.url_map.iter_rules() if not rule.endpoint.startswith(tried_elsewhere)}
    assert routes == set(CALLS) | ELSEWHERE | PUBLIC


def test_every_route_says_who_may_call_it(app: Flask):
    views = {name: view for name, view in app.view_functions.items() if name in CALLS or name in ELSEWHERE}
    assert {name for name, view in views.items() if not hasattr(view, "access")} == set()


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_the_owner_is_served(call: Call, owner: Person):
    assert ask(call, owner, owner) == call.owner


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_colleague_sees_nothing_of_it(call: Call, owner: Person, colleague: Person):
    assert ask(call, owner, colleague) == call.colleague


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_stranger_sees_nothing_of_it(call: Call, owner: Person, visitor: Person):
    assert ask(call, owner, visitor) == call.stranger


def test_the_session_id_alone_is_no_key(app: Flask, owner: Person):
    forged = Person(app.test_client(use_cookies=False), owner.session_id, f"{owner.session_id}.AAAAAAAAAAAAAAAA")
    assert forged.session("GET", "/status").status_code == 404


def ask(call: Call, owner: Person, asker: Person) -> int:
    path = call.path.format(s=owner.session_id, p=owner.patient_uuid)
    answer = asker.client.open(path, method=call.method, json=call.body, headers=asker.bearer)
    answer.close()
    return answer.status_code
