"""Starting, stopping, options and doors of the sandbox process."""

import os
import subprocess
import sys
import time

import httpx
import pytest

from tests.integration.dev.sandbox.client import CHECKUPS, HANEUL
from tests.integration.dev.sandbox.conftest import ROOT


def test_prints_one_line_when_it_is_ready(shared_sandbox):
    assert shared_sandbox.line.startswith("sandbox listening on http://127.0.0.1:")
    assert httpx.get(f"{shared_sandbox.url}/control/health").json() == {"status": "ok"}


def test_stops_at_once_although_a_call_is_held(own_sandbox, in_background, eventually):
    process = own_sandbox()
    control = process.control()
    control.set_fault("getpublickey", hold="before")
    thread, outcome = in_background(process.tilko().fetch_public_key)
    eventually(lambda: control.get("faults")["faults"][0]["waiting"])
    began = time.monotonic()
    assert process.stop() == 0
    assert time.monotonic() - began < 3
    thread.join(timeout=10)
    assert isinstance(outcome[0], httpx.TransportError)


def test_takes_its_keys_from_the_command_line(own_sandbox):
    process = own_sandbox("--tilko-api-key", "another-key")
    assert process.tilko().fetch_public_key()["Status"] == "Error"
    assert process.tilko("another-key").fetch_public_key()["Status"] == "OK"


def test_the_same_seed_serves_the_same_records(own_sandbox):
    lists = []
    for seed in ("1", "1", "2"):
        process = own_sandbox("--seed", seed)
        tilko, control = process.tilko(), process.control()
        session = tilko.open_session(HANEUL)
        control.approve(session)
        lists.append(tilko.fetch_checkups(session, HANEUL).json()["ResultList"])
    assert lists[0] == lists[1] != lists[2]


def test_verifies_every_poll_when_told_so(own_sandbox):
    tilko = own_sandbox("--verify-every-poll").tilko()
    session = tilko.open_session(HANEUL)
    assert tilko.fetch_checkups(session, HANEUL).json()["ErrorCode"] == 4115
    headers = tilko.headers(os.urandom(16))
    body = {name: session[name] for name in ("CxId", "PrivateAuthType", "ReqTxId", "Token", "TxId")}
    forged = body | tilko.seal(HANEUL, os.urandom(16))
    assert tilko.http.post(tilko.base + CHECKUPS, json=forged, headers=headers).status_code == 400


def test_doors_are_closed_to_other_machines(own_sandbox):
    process = own_sandbox("--host", "0.0.0.0")
    port = process.url.rsplit(":", 1)[1]
    addresses = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=False).stdout.split()
    outside = next((address for address in addresses if "." in address and not address.startswith("127.")), None)
    if outside is None:
        pytest.skip("this machine has no address but loopback")
    assert httpx.get(f"http://{outside}:{port}/control/requests").status_code == 403
    assert httpx.get(f"http://{outside}:{port}/phone").status_code == 403
    assert httpx.get(f"http://{outside}:{port}/api/Auth/GetPublicKey").status_code == 200


def test_imports_nothing_of_ours():
    rooms = "core models services tasks webapp streams spool upstream"
    check = f"import sys, dev.sandbox.__main__; print([m for m in sys.modules if m.split('.')[0] in {rooms.split()!r}])"
    answer = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
