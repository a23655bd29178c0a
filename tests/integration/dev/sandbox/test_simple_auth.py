"""Public key, headers, and the request for the simple authentication, as an independent client meets them."""

import base64
import os
import re

import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key

from tests.integration.dev.sandbox.client import HANEUL, IDENTITY, KAKAO_ONLY, SIMPLE_AUTH, TilkoClient, decrypt

ENVELOPE = ["ApiTxKey", "Status", "StatusSeq", "ErrorCode", "Message", "ErrorLog", "TargetCode", "TargetMessage",
            "PointBalance"]  # fmt: skip
IDENTITY_PHRASES = ("입력하신 정보", "사용자 정보", "확인 후 다시 시도", "인증을 진행할 수 없습니다")


def test_gives_a_der_public_key_and_echoes_the_api_key(tilko):
    answer = tilko.fetch_public_key()
    assert list(answer) == ["Status", "ApiKey", "PublicKey", "Message"]
    assert (answer["Status"], answer["ApiKey"], answer["Message"]) == ("OK", "sandbox-tilko-key", None)
    assert load_der_public_key(base64.b64decode(answer["PublicKey"])).key_size == 2048


def test_refuses_a_public_key_for_an_unknown_api_key(tilko):
    answer = tilko.fetch_public_key("nobody")
    assert answer["Status"] == "Error"
    assert answer["Message"]
    assert answer["PublicKey"] is None


def test_answers_with_every_field_of_the_envelope(tilko):
    answer = tilko.request_auth(HANEUL).json()
    assert list(answer) == [*ENVELOPE, "ResultData"]
    assert (answer["Status"], answer["ErrorCode"]) == ("OK", 0)
    assert float(answer["PointBalance"]) > 0
    assert set(answer["ResultData"]) == {"CxId", "PrivateAuthType", "ReqTxId", "Token", "TxId", *IDENTITY}


@pytest.mark.parametrize(
    "path", [SIMPLE_AUTH, "/" + SIMPLE_AUTH, SIMPLE_AUTH.upper(), "//api/v1.0/NhisSimpleAuth/SimpleAuthRequest"]
)
def test_takes_any_case_and_double_slashes(tilko, path):
    assert tilko.request_auth(HANEUL, path=path).json()["ResultData"]["CxId"]


def test_echoed_identity_comes_sealed_prefixed_or_plain(tilko):
    key = os.urandom(16)
    seen = [tilko.request_auth(HANEUL, key=key).json()["ResultData"]["UserName"] for _ in range(3)]
    sealed = next(text for text in seen if text.startswith("ENC:") and text != "ENC:김하늘")
    assert {"김하늘", "ENC:김하늘"} < set(seen)
    assert decrypt(key, sealed.removeprefix("ENC:")) == "김하늘"


def test_a_wrong_api_key_is_401(shared_sandbox, tilko):
    stranger = TilkoClient(shared_sandbox.url, api_key="wrong", http=tilko.http)
    stranger._public_key = load_der_public_key(base64.b64decode(tilko.fetch_public_key()["PublicKey"]))
    answer = stranger.request_auth(HANEUL)
    assert answer.status_code == 401
    assert answer.json()["Status"] == "Error"


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Content-Type", "text/plain"),
        ("ENC-KEY", ""),
        ("ENC-KEY", "no base64!"),
        ("ENC-KEY", base64.b64encode(bytes(16)).decode()),
        ("ENC-KEY", base64.b64encode(bytes(255) + b"\x01").decode()),
    ],
)
def test_a_bad_header_is_400(tilko, header, value):
    key = os.urandom(16)
    headers = tilko.headers(key) | {header: value}
    body = b'{"PrivateAuthType": "0"}'
    answer = tilko.http.post(tilko.base + SIMPLE_AUTH, content=body, headers=headers)
    assert answer.status_code == 400
    assert header in answer.json()["Message"]


def test_a_missing_enc_key_is_400(tilko):
    headers = tilko.headers(os.urandom(16))
    del headers["ENC-KEY"]
    answer = tilko.http.post(tilko.base + SIMPLE_AUTH, json={}, headers=headers)
    assert answer.status_code == 400


@pytest.mark.parametrize("field", IDENTITY)
def test_a_field_sealed_with_another_key_is_400(tilko, field):
    key = os.urandom(16)
    body = {"PrivateAuthType": "0"} | tilko.seal(HANEUL, key)
    body[field] = tilko.seal(HANEUL, bytes(16))[field]
    answer = tilko.http.post(tilko.base + SIMPLE_AUTH, json=body, headers=tilko.headers(key))
    assert answer.status_code == 400 or answer.json()["Status"] == "Error"


def test_a_field_that_is_not_sealed_is_400(tilko):
    key = os.urandom(16)
    body = {"PrivateAuthType": "0"} | tilko.seal(HANEUL, key) | {"UserName": "김하늘"}
    answer = tilko.http.post(tilko.base + SIMPLE_AUTH, json=body, headers=tilko.headers(key))
    assert answer.status_code == 400
    assert "UserName" in answer.json()["Message"]


@pytest.mark.parametrize("raw", [b"", b"[]", b"{broken"])
def test_a_body_that_is_no_object_is_400(tilko, raw):
    answer = tilko.http.post(tilko.base + SIMPLE_AUTH, content=raw, headers=tilko.headers(os.urandom(16)))
    assert answer.status_code == 400


def test_an_unknown_authenticator_is_400(tilko):
    assert tilko.request_auth(HANEUL, authenticator="7").status_code == 400


@pytest.mark.parametrize(
    "who",
    [
        ("김하눌", "19840517", "01000000001"),
        ("김하늘", "19840518", "01000000001"),
        ("김하늘", "19840517", "01000000002"),
        ("김하늘", "19840517", "010-0000-0001"),
        ("아무개", "19000101", "01099999999"),
    ],
)
def test_a_wrong_identity_is_told_with_a_known_phrase_in_html(tilko, who):
    answer = tilko.request_auth(who).json()
    assert answer["Status"] == "Error"
    assert re.search(r"<[^>]+>", answer["Message"])
    assert any(phrase in re.sub(r"<[^>]+>", "", answer["Message"]) for phrase in IDENTITY_PHRASES)


def test_a_person_without_that_authenticator_gets_no_cxid(tilko, control):
    answer = tilko.request_auth(KAKAO_ONLY, authenticator="6").json()
    assert answer["Status"] == "OK"
    assert answer["ResultData"]["CxId"] is None
    assert control.get("requests")["requests"] == []


def test_a_known_authenticator_of_that_person_works(tilko):
    assert tilko.request_auth(KAKAO_ONLY, authenticator="0").json()["ResultData"]["CxId"]


def test_asking_for_the_authentication_is_free(tilko, control):
    before = control.get("calls")["point_balance"]
    session = tilko.open_session(HANEUL)
    assert control.get("calls")["point_balance"] == before
    assert control.get("calls", cxid=session["CxId"])["calls"][0]["billed"] is False


def test_a_key_that_is_used_twice_is_counted(tilko, control):
    key = os.urandom(16)
    tilko.request_auth(HANEUL, key=key)
    assert control.get("calls")["reused_keys"] == 0
    tilko.request_auth(HANEUL, key=key)
    assert control.get("calls")["reused_keys"] == 1


def test_an_unknown_path_is_404(tilko):
    assert tilko.http.post(f"{tilko.base}/api/v1.0/nothing", json={}).status_code == 404
