"""Polls, checkups and treatments: what they answer, and what they cost."""

import base64
import os
import time
from datetime import date, timedelta

import pytest

from tests.integration.dev.sandbox.client import (
    CHECKUPS,
    HANEUL,
    HTML_ONLY,
    IDENTITY,
    KAKAO_ONLY,
    MANY_RECORDS,
    NEVER_EXAMINED,
    NULL_LISTS,
    TOKENS,
    encrypt,
    korean_today,
    person_body,
)

ITEM_NAMES = (
    "신장,체중,허리둘레,체질량지수,시력(좌/우),청력(좌/우),혈압(최고/최저),요단백,혈색소,공복혈당,총콜레스테롤,HDL콜레스테롤,"
    "중성지방,LDL콜레스테롤,혈청크레아티닌,신사구체여과율,AST(SGOT),ALT(SGPT),감마지티피(γ-GTP),"
    "폐결핵 흉부질환,골다공증"
)
DETAILS = "RetrieveTreatmentInjectionInformationPersonDetailList"


@pytest.fixture
def approved(tilko, control):
    def open_approved(who):
        session = tilko.open_session(who)
        control.approve(session)
        return session

    return open_approved


def test_polls_before_the_approval_alternate_between_code_and_page(tilko):
    session = tilko.open_session(HANEUL)
    first, second = (tilko.fetch_checkups(session, HANEUL) for _ in range(2))
    assert (first.json()["Status"], first.json()["ErrorCode"]) == ("Error", 4115)
    assert second.status_code == 200
    assert second.headers["content-type"].startswith("text/html")
    assert second.text.startswith("<!DOCTYPE html>")


def test_a_person_can_always_get_the_page(tilko):
    session = tilko.open_session(HTML_ONLY)
    kinds = {tilko.fetch_checkups(session, HTML_ONLY).headers["content-type"] for _ in range(3)}
    assert kinds == {"text/html; charset=utf-8"}


def test_treatments_wait_for_the_approval_too(tilko):
    session = tilko.open_session(HANEUL)
    assert tilko.fetch_treatments(session, HANEUL).json()["ErrorCode"] == 4115


def test_polls_cost_nothing(tilko, control):
    session = tilko.open_session(HANEUL)
    tilko.fetch_checkups(session, HANEUL)
    assert control.get("calls", cxid=session["CxId"])["billed"] == {}


def test_ten_years_of_checkups_in_the_usual_order(tilko, approved):
    rows = tilko.fetch_checkups(approved(HANEUL), HANEUL).json()["ResultList"]
    years = [int(row["Year"].removesuffix("년")) for row in rows]
    assert years == list(range(years[0], years[0] - 10, -1))
    for row in rows:
        names = [
            item["Name"] for part in row["Inspections"] for illness in part["Illnesses"] for item in illness["Items"]
        ]
        assert ",".join(names) == ITEM_NAMES
        assert [part["Gubun"] for part in row["Inspections"]] == ["계측검사", "요검사", "혈액검사", "영상검사"]


def test_treatments_carry_every_field_of_the_protocol(tilko, approved):
    rows = tilko.fetch_treatments(approved(HANEUL), HANEUL).json()["ResultList"]
    row = next(row for row in rows if row[DETAILS])
    detail = row[DETAILS][0]
    assert len(rows) == 24
    assert set(row) == {"Idx", "Page", "ByungEuiwonYakGukMyung", "Address", "JinRyoGaesiIl", "JinRyoHyungTae",
        "BangMoonIpWonIlsoo", "CheoBangHoiSoo", "TuYakYoYangHoiSoo", DETAILS}  # fmt: skip
    assert set(detail["RetrieveMdsupDtlInfo"]) == {"DrugCode", "MediPrdcNm", "DrugImage", "CmpnInfo", "TmsgGnlSpcd",
        "SnglCmtnYn", "UpsoName", "Upso1", "FomlCdXplnCnte", "MdctPathXplnCnte", "MohwClsfNoXplnCnte", "AtcInfo",
        "KpicInfo", "EfftEftCnte", "UsagCpctCnte", "UseAtntMttCnte", "CmnTmdcGdncCnte"}  # fmt: skip
    assert base64.b64decode(detail["RetrieveMdsupDtlInfo"]["DrugImage"]).startswith(b"\x89PNG")


def test_only_treatments_within_the_days_asked_for(tilko, approved):
    session, today = approved(HANEUL), korean_today()
    everything = tilko.fetch_treatments(session, HANEUL, "20000101", f"{today:%Y%m%d}").json()["ResultList"]
    usual = tilko.fetch_treatments(session, HANEUL).json()["ResultList"]
    one_day = usual[3]["JinRyoGaesiIl"]
    asked = one_day.replace("-", "")
    found = tilko.fetch_treatments(session, HANEUL, asked, asked).json()["ResultList"]
    assert (len(everything), len(usual)) == (30, 24)
    assert {row["JinRyoGaesiIl"] for row in found} == {one_day}


@pytest.mark.parametrize(
    "window", [("20240101", ""), ("2024-01-01", "20240201"), ("20240230", "20240301"), ("20240301", "20240201")]
)
def test_treatments_need_two_days_in_order(tilko, approved, window):
    session = approved(HANEUL)
    answer = tilko.call("/api/v1.0/nhissimpleauth/retrievetreatmentinjectioninformationperson", session, HANEUL,
                        StartDate=window[0], EndDate=window[1])  # fmt: skip
    assert answer.status_code == 400


def test_never_examined_is_an_empty_list(tilko, approved):
    answer = tilko.fetch_checkups(approved(NEVER_EXAMINED), NEVER_EXAMINED).json()
    assert (answer["Status"], answer["ResultList"]) == ("OK", [])


def test_nothing_on_file_can_be_null(tilko, approved):
    session = approved(NULL_LISTS)
    assert tilko.fetch_checkups(session, NULL_LISTS).json()["ResultList"] is None
    assert tilko.fetch_treatments(session, NULL_LISTS).json()["ResultList"] is None


def test_a_person_can_have_hundreds_of_rows(tilko, approved):
    answer = tilko.fetch_treatments(approved(MANY_RECORDS), MANY_RECORDS)
    assert len(answer.json()["ResultList"]) == 420
    assert len(answer.content) > 10_000_000


def test_every_successful_data_call_is_billed(tilko, control, approved):
    session = approved(HANEUL)
    balances = [float(tilko.fetch_checkups(session, HANEUL).json()["PointBalance"]) for _ in range(2)]
    balances.append(float(tilko.fetch_treatments(session, HANEUL).json()["PointBalance"]))
    assert balances[0] > balances[1] > balances[2]
    assert control.get("calls")["billed"] == {session["CxId"]: {"checkups": 2, "prescriptions": 1}}


def test_served_bodies_are_kept_byte_for_byte(tilko, control, shared_sandbox, approved):
    session = approved(HANEUL)
    checkups, treatments = tilko.fetch_checkups(session, HANEUL), tilko.fetch_treatments(session, HANEUL)
    kept = control.http.get(f"{control.base}/control/served", params={"cxid": session["CxId"]})
    assert kept.json() == {"checkups": [checkups.json()], "prescriptions": [treatments.json()]}
    assert checkups.content in kept.content
    assert treatments.content in kept.content


def test_a_declined_request_cannot_go_on(tilko, control):
    session = tilko.open_session(HANEUL)
    assert control.post("decline", {"CxId": session["CxId"]}).status_code == 200
    answer = tilko.fetch_checkups(session, HANEUL).json()
    assert answer["Status"] == "Error"
    assert "인증을 진행할 수 없습니다" in answer["Message"]


def test_a_person_can_decline_by_themselves(tilko, control):
    who = ("나라온", "19850505", "01000009001")
    control.post("people", person_body(who, auto_decline_seconds=0))
    assert "인증을 진행할 수 없습니다" in tilko.fetch_checkups(tilko.open_session(who), who).json()["Message"]


def test_an_unknown_cxid_is_refused(tilko, approved):
    session = approved(HANEUL) | {"CxId": "nobody"}
    assert tilko.fetch_checkups(session, HANEUL).json()["Status"] == "Error"


@pytest.mark.parametrize("field", TOKENS[1:])
def test_a_token_that_does_not_fit_is_refused(tilko, control, approved, field):
    session = approved(HANEUL)
    answer = tilko.fetch_checkups(session | {field: "1"}, HANEUL).json()
    assert answer["Status"] == "Error"
    assert control.get("calls")["billed"] == {}


def test_another_person_cannot_use_the_approval(tilko, control, approved):
    answer = tilko.fetch_checkups(approved(HANEUL), KAKAO_ONLY).json()
    assert "사용자 정보" in answer["Message"]
    assert control.get("calls")["billed"] == {}


def test_an_approved_call_with_a_wrong_seal_is_400_and_free(tilko, control, approved):
    session = approved(HANEUL)
    body = {name: session[name] for name in TOKENS} | tilko.seal(HANEUL, os.urandom(16))
    answer = tilko.http.post(tilko.base + CHECKUPS, json=body, headers=tilko.headers(os.urandom(16)))
    assert answer.status_code == 400
    assert control.get("calls")["billed"] == {}


def test_a_poll_with_a_malformed_enc_key_is_400(tilko):
    session = tilko.open_session(HANEUL)
    headers = tilko.headers(os.urandom(16)) | {"ENC-KEY": "c2hvcnQ="}
    assert tilko.http.post(tilko.base + CHECKUPS, json=session, headers=headers).status_code == 400


@pytest.mark.parametrize("sealed_again", [True, False])
@pytest.mark.parametrize("turn", range(3))
def test_echoed_identity_may_come_back_as_it_was(tilko, control, approved, sealed_again, turn):
    for _ in range(turn):
        tilko.open_session(HANEUL)
    session = approved(HANEUL)
    key = os.urandom(16)
    body = {name: session[name] for name in TOKENS}
    for field in IDENTITY:
        raw = session[field].startswith("ENC:") and not sealed_again
        body[field] = session[field] if raw else encrypt(key, session[field])
    answer = tilko.http.post(tilko.base + CHECKUPS, json=body, headers=tilko.headers(key))
    assert answer.json()["Status"] == "OK"


def test_an_answer_of_thirty_mib_does_not_block_the_others(tilko, control, approved, in_background):
    who = ("도라지", "19850505", "01000009002")
    control.post("people", person_body(who, prescriptions=300, image_bytes=100_000))
    session = approved(who)
    thread, outcome = in_background(lambda: tilko.fetch_treatments(session, who))
    waits = []
    while thread.is_alive() or not waits:
        began = time.monotonic()
        assert control.get("health") == {"status": "ok"}
        waits.append(time.monotonic() - began)
    assert len(outcome[0].content) > 30 * 1024 * 1024
    assert max(waits) < 1


def test_treatments_keep_clear_of_the_edges_of_the_usual_window(tilko, approved):
    today = korean_today()
    for row in tilko.fetch_treatments(approved(MANY_RECORDS), MANY_RECORDS).json()["ResultList"]:
        age = today - date.fromisoformat(row["JinRyoGaesiIl"])
        assert timedelta(days=65) < age < timedelta(days=420)
