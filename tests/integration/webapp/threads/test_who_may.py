"""Every route of the threads says who may call it, and lets nobody in without a token."""

import pytest
from flask import Flask

from webapp.auth import Role
from webapp.staff_token import make_token

from .members import Talk

ROUTES = {
    "threads.show_me": ("GET", "/api/threads/me"),
    "threads.create": ("POST", "/api/threads"),
    "threads.show_threads": ("GET", "/api/threads"),
    "threads.show_status": ("GET", "/api/threads/{t}/status"),
    "threads.ack": ("POST", "/api/threads/{t}/ack"),
    "threads.join_member": ("POST", "/api/threads/{t}/members"),
    "threads.set_role": ("POST", "/api/threads/{t}/members/role"),
    "threads.drop_member": ("POST", "/api/threads/{t}/members/remove"),
    "threads.close": ("DELETE", "/api/threads/{t}"),
    "threads_keys.register": ("POST", "/api/threads/devices"),
    "threads_keys.approve": ("POST", "/api/threads/devices/{d}/approve"),
    "threads_keys.revoke": ("POST", "/api/threads/devices/{d}/revoke"),
    "threads_keys.show_devices": ("GET", "/api/threads/{t}/devices"),
    "threads_keys.show_keys": ("GET", "/api/threads/{t}/keys?deviceId=x"),
    "threads_keys.rotate": ("POST", "/api/threads/{t}/keys"),
    "threads_keys.seal_anew": ("POST", "/api/threads/{t}/keys/k1/wraps"),
    "threads_keys.drop_sealed": ("DELETE", "/api/threads/{t}/keys/k1/wraps/{d}"),
    "threads_pushing.push": ("POST", "/api/threads/push-batch"),
    "threads_reading.show_recent": ("GET", "/api/threads/{t}/recent"),
    "threads_reading.show_range": ("GET", "/api/threads/{t}/range"),
    "threads_reading.follow": ("GET", "/api/threads/{t}/events"),
    "threads_blobs.put_part": ("PUT", "/api/threads/{t}/blobs/{d}/parts/1"),
    "threads_blobs.complete": ("POST", "/api/threads/{t}/blobs/{d}/complete"),
    "threads_blobs.show_blob": ("GET", "/api/threads/{t}/blobs/{d}"),
    "threads_records.send_records": ("POST", "/api/threads/{t}/send-records"),
    "threads_audit.show_entries": ("GET", "/api/v1/admin/threads/{t}/audit"),
    "threads_audit.verify": ("GET", "/api/v1/admin/threads/{t}/audit/verify"),
}


def test_every_route_is_tried_and_says_who_may_call_it(app: Flask):
    found = {rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint.startswith("threads")}
    assert found == {*ROUTES, "threads_socket"}  # which is tried in test_socket.py
    assert {app.view_functions[name].access for name in found} == {"thread_member", "thread_sender", "operations"}


@pytest.mark.parametrize("name", ROUTES)
def test_nobody_is_let_in_without_a_token(app: Flask, name: str):
    method, path = ROUTES[name]
    address = path.format(t="A" * 22, d="00000000-0000-4000-8000-000000000000")
    body = {} if method == "POST" else None
    answer = app.test_client(use_cookies=False).open(address, method=method, json=body)
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "UNAUTHORIZED")


OF_MEMBERS = sorted(set(ROUTES) - {"threads_audit.show_entries", "threads_audit.verify"})


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR])
@pytest.mark.parametrize("name", OF_MEMBERS)
def test_a_commands_token_is_no_member(app: Flask, talk: Talk, name: str, role: Role):
    """That of `make staff-token`, also in a thread that is there."""
    method, path = ROUTES[name]
    with app.app_context():
        token = make_token("op-1", 1, role)
    address = path.format(t=talk.id, d="00000000-0000-4000-8000-000000000000")
    answer = app.test_client(use_cookies=False).open(
        address, method=method, json={} if method == "POST" else None, headers={"Authorization": f"Bearer {token}"}
    )
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "UNAUTHORIZED")
