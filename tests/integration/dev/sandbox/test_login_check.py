"""LoginCheck, as an independent client meets it: true after the approval, free, late or missing where told so."""

import os

import pytest

from tests.integration.dev.sandbox.client import HANEUL, KAKAO_ONLY, LOGIN_CHECK, TOKENS, person_body

NEWCOMER = ("나라온", "19850505", "01000009001")
OLD = LOGIN_CHECK.replace("v2.0", "v1.0")


@pytest.fixture
def session(tilko):
    return tilko.open_session(HANEUL)


@pytest.mark.parametrize("path", [LOGIN_CHECK, OLD, "/" + LOGIN_CHECK.lower()])
def test_result_is_true_from_the_approval_on(tilko, control, session, path):
    before = tilko.check_login(session, HANEUL, path).json()
    control.approve(session)
    after = tilko.check_login(session, HANEUL, path).json()
    assert [(one["Status"], one["ErrorCode"], one["Result"]) for one in (before, after)] == [
        ("OK", 0, False),
        ("OK", 0, True),
    ]
    assert "ResultList" not in after


def test_it_is_free_and_counted_for_its_request(tilko, control, session):
    control.approve(session)
    tilko.check_login(session, HANEUL)
    books = control.get("calls", cxid=session["CxId"], path="logincheck")
    assert (len(books["calls"]), books["billed"], books["point_balance"]) == (1, {}, "1000000.00")


def test_who_declined_is_told_so(tilko, control, session):
    control.post("decline", {"CxId": session["CxId"]})
    answer = tilko.check_login(session, HANEUL).json()
    assert (answer["Status"], "거절" in answer["Message"]) == ("Error", True)


def test_the_person_must_be_the_one_who_asked(tilko, control, session):
    control.approve(session)
    assert tilko.check_login(session, KAKAO_ONLY).json()["Status"] == "Error"


def test_its_fields_stand_within_auth(tilko, session):
    key = os.urandom(16)
    bare = {name: session[name] for name in TOKENS} | tilko.seal(HANEUL, key)
    assert tilko.http.post(tilko.base + LOGIN_CHECK, json=bare, headers=tilko.headers(key)).status_code == 400


@pytest.mark.parametrize("late", ["login_check_late_seconds", "data_late_seconds"])
def test_one_part_may_hear_of_the_approval_late(tilko, control, eventually, late):
    control.post("people", person_body(NEWCOMER, **{late: 0.5}))
    session = tilko.open_session(NEWCOMER)
    control.approve(session)

    def seen():
        known = tilko.check_login(session, NEWCOMER).json()["Result"]
        data = tilko.fetch_checkups(session, NEWCOMER)
        return known, "ResultList" in data.text

    assert seen() == (late != "login_check_late_seconds", late != "data_late_seconds")
    eventually(lambda: seen() == (True, True))


@pytest.mark.parametrize(
    ("missing", "statuses"), [(["v2.0"], (404, 200)), (["v2.0", "v1.0"], (404, 404)), ([], (200, 200))]
)
def test_a_version_may_be_missing(tilko, control, session, missing, statuses):
    assert control.post("login-check", {"missing": missing}).status_code == 200
    assert tuple(tilko.check_login(session, HANEUL, path).status_code for path in (LOGIN_CHECK, OLD)) == statuses


def test_the_old_version_may_never_hear_of_it(tilko, control, session):
    control.post("login-check", {"v1_stays_false": True})
    control.approve(session)
    assert [tilko.check_login(session, HANEUL, path).json()["Result"] for path in (LOGIN_CHECK, OLD)] == [True, False]


@pytest.mark.parametrize("body", [{"missing": ["v3.0"]}, {"missing": "v2.0"}, {"v1_stays_false": 1}, {"other": 1}])
def test_an_unknown_trait_of_it_is_refused(control, body):
    assert control.post("login-check", body).status_code == 400


@pytest.mark.parametrize(
    ("fault", "status"), [({"status": 302, "html": True}, 302), ({"malformed": True}, 200), ({"error_code": 9}, 200)]
)
def test_faults_strike_it_as_any_other_call(tilko, control, session, fault, status):
    control.set_fault("v2.0/nhissimpleauth/logincheck", calls=1, cxid=session["CxId"], **fault)
    spoilt = tilko.check_login(session, HANEUL)
    assert (spoilt.status_code, '"Result"' in spoilt.text) == (status, False)
    assert tilko.check_login(session, HANEUL).json()["Result"] is False
