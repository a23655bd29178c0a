"""Faults on demand: every kind, on the calls it names, and what it costs."""

import time

import httpx
import pytest

from tests.integration.dev.sandbox.client import HANEUL, KAKAO_ONLY, report_body
from tests.plain_http import NO_TLS


@pytest.fixture
def session(tilko, control):
    opened = tilko.open_session(HANEUL)
    control.approve(opened)
    return opened


def billed(control, session):
    return control.get("calls", cxid=session["CxId"])["billed"].get(session["CxId"], {"checkups": 0})["checkups"]


def test_a_status_with_headers_for_a_number_of_calls(tilko, control, session):
    control.set_fault("ggpab003m0105", calls=2, status=429, headers={"Retry-After": "7"})
    answers = [tilko.fetch_checkups(session, HANEUL) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "7"
    assert billed(control, session) == 1


def test_without_a_number_it_lasts_until_it_is_deleted(tilko, control, session):
    fault = control.set_fault("GGPAB003M0105", status=503)
    assert {tilko.fetch_checkups(session, HANEUL).status_code for _ in range(4)} == {503}
    assert control.http.delete(f"{control.base}/control/faults/{fault}").status_code == 200
    assert tilko.fetch_checkups(session, HANEUL).status_code == 200


def test_an_error_code_with_a_message(tilko, control, session):
    control.set_fault("retrievetreatment", calls=1, error_code=5000, message="<b>점검 중</b>입니다.")
    answer = tilko.fetch_treatments(session, HANEUL)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["Status"], body["ErrorCode"], body["Message"]) == ("Error", 5000, "<b>점검 중</b>입니다.")
    assert body["ErrorLog"]


def test_an_html_page_with_a_status(tilko, control):
    control.set_fault("simpleauthrequest", calls=1, html=True, status=502)
    answer = tilko.request_auth(HANEUL)
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html; charset=utf-8")


def test_malformed_json_is_free(tilko, control, session):
    control.set_fault("ggpab003m0105", calls=1, malformed=True)
    answer = tilko.fetch_checkups(session, HANEUL)
    with pytest.raises(ValueError):
        answer.json()
    assert billed(control, session) == 0


def test_headers_alone_leave_the_answer_alone(tilko, control, session):
    control.set_fault("ggpab003m0105", calls=1, headers={"X-Trace": "1"})
    answer = tilko.fetch_checkups(session, HANEUL)
    assert (answer.headers["x-trace"], answer.json()["Status"]) == ("1", "OK")


def test_a_delay(tilko, control, session):
    control.set_fault("ggpab003m0105", calls=1, delay_seconds=0.3)
    began = time.monotonic()
    assert tilko.fetch_checkups(session, HANEUL).json()["Status"] == "OK"
    assert time.monotonic() - began >= 0.3


def test_cut_before_closes_without_an_answer_and_is_free(tilko, control, session):
    control.set_fault("ggpab003m0105", calls=1, cut="before")
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        tilko.fetch_checkups(session, HANEUL)
    assert billed(control, session) == 0
    call = control.calls(cxid=session["CxId"])[-1]
    assert (call["status"], call["delivered"]) == (None, False)


def test_cut_during_breaks_the_body_and_is_billed(tilko, control, session):
    control.set_fault("ggpab003m0105", calls=1, cut="during")
    with pytest.raises(httpx.RemoteProtocolError, match=r"incomplete|without"):
        tilko.fetch_checkups(session, HANEUL)
    assert billed(control, session) == 1
    call = control.calls(cxid=session["CxId"])[-1]
    assert (call["billed"], call["delivered"]) == (True, False)


def test_hold_before_waits_without_effect(tilko, control, session, in_background, eventually):
    fault = control.set_fault("ggpab003m0105", calls=1, hold="before")
    thread, outcome = in_background(lambda: tilko.fetch_checkups(session, HANEUL))
    eventually(lambda: control.get("faults")["faults"][0]["waiting"])
    assert billed(control, session) == 0
    assert control.post(f"faults/{fault}/release").status_code == 200
    thread.join(timeout=10)
    assert outcome[0].json()["Status"] == "OK"
    assert billed(control, session) == 1


def test_hold_after_waits_with_the_bill_written(tilko, control, session, in_background, eventually):
    fault = control.set_fault("ggpab003m0105", calls=1, hold="after")
    thread, outcome = in_background(lambda: tilko.fetch_checkups(session, HANEUL))
    eventually(lambda: control.get("faults")["faults"][0]["waiting"])
    assert billed(control, session) == 1
    assert outcome == []
    control.post(f"faults/{fault}/release")
    thread.join(timeout=10)
    assert outcome[0].json()["Status"] == "OK"


def test_hold_true_means_before(tilko, control, session, in_background, eventually):
    control.set_fault("ggpab003m0105", calls=1, hold=True)
    in_background(lambda: tilko.fetch_checkups(session, HANEUL))
    eventually(lambda: control.get("faults")["faults"][0]["waiting"])
    assert billed(control, session) == 0
    assert control.http.delete(f"{control.base}/control/faults").status_code == 200


def test_hold_after_can_end_in_an_error_that_was_paid_for(tilko, control, session, in_background, eventually):
    fault = control.set_fault("ggpab003m0105", calls=1, hold="after", status=504)
    thread, outcome = in_background(lambda: tilko.fetch_checkups(session, HANEUL))
    eventually(lambda: control.get("faults")["faults"][0]["waiting"])
    control.post(f"faults/{fault}/release")
    thread.join(timeout=10)
    assert (outcome[0].status_code, billed(control, session)) == (504, 1)


@pytest.mark.parametrize(("hold", "paid"), [("before", False), ("after", True)])
def test_a_client_that_leaves_a_held_call_is_noticed(tilko, control, session, eventually, hold, paid):
    control.set_fault("ggpab003m0105", calls=1, hold=hold)
    impatient = httpx.Timeout(20, read=0.5)
    with httpx.Client(timeout=impatient, verify=NO_TLS) as http, pytest.raises(httpx.ReadTimeout):
        type(tilko)(tilko.base, tilko.api_key, http).fetch_checkups(session, HANEUL)
    eventually(lambda: control.calls(cxid=session["CxId"])[-1]["delivered"] is False)
    call = control.calls(cxid=session["CxId"])[-1]
    assert (call["billed"], call["status"]) == (paid, None)
    assert billed(control, session) == int(paid)


def test_reset_releases_held_calls(tilko, control, session, in_background, eventually):
    control.set_fault("ggpab003m0105", hold="after")
    thread, outcome = in_background(lambda: tilko.fetch_checkups(session, HANEUL))
    eventually(lambda: control.get("faults")["faults"][0]["waiting"])
    control.post("reset")
    thread.join(timeout=10)
    assert outcome[0].json()["Status"] == "OK"
    assert control.get("calls")["billed"] == {}


def test_a_fault_can_be_kept_to_one_request(tilko, control, session):
    other = tilko.open_session(KAKAO_ONLY)
    control.set_fault("ggpab003m0105", cxid=session["CxId"], status=500)
    assert tilko.fetch_checkups(other, KAKAO_ONLY).status_code == 200
    assert tilko.fetch_checkups(session, HANEUL).status_code == 500


def test_the_public_key_can_fail(tilko, control):
    control.set_fault("getpublickey", calls=1, status=500)
    assert tilko.http.get(f"{tilko.base}/api/Auth/GetPublicKey").status_code == 500


def test_mediarc_fails_in_its_own_words(control):
    control.set_fault("mediarc", calls=1, status=503, message="busy")
    answer = control.http.post(f"{control.base}/mediarc/predict", json=report_body())
    assert (answer.status_code, answer.json()) == (503, {"error": "busy"})


@pytest.mark.parametrize("path", ["faults/f99/release"])
def test_an_unknown_fault_is_404(control, path):
    assert control.post(path).status_code == 404
    assert control.http.delete(f"{control.base}/control/faults/f99").status_code == 404
