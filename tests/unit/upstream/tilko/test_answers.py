"""Each answer of the protocol's table leads to what the table says."""

import copy
import gzip
import json
import pickle
from datetime import UTC, datetime
from decimal import Decimal

import orjson
import pytest

from core.clock import clock
from upstream.tilko import answers
from upstream.tilko.errors import (
    AnswerUnreadable,
    Declined,
    EndpointMissing,
    NotApproved,
    NotRegistered,
    RefusedBeforeApproval,
    TilkoError,
    TilkoMisconfigured,
    TilkoRefused,
    TilkoUnavailable,
    WrongPersonalData,
)

OK = {"Status": "OK", "ErrorCode": 0, "Message": None, "PointBalance": "1,234.50"}
RESULT = {
    "CxId": "cx-invented",
    "PrivateAuthType": "0",
    "ReqTxId": "req-invented",
    "Token": "token-invented",
    "TxId": "tx-invented",
    "UserName": "ENC:김하늘",
}
JSON = {"content-type": "application/json"}


def encode(fields):
    return json.dumps(fields, ensure_ascii=False).encode()


def refuse(message, code=1, **more):
    return encode({"Status": "Error", "ErrorCode": code, "Message": message, **more})


def read_data(body, status=200, headers=JSON, hide=()):
    return answers.read_data(status, headers, body, hide=hide)


def read_auth(body, status=200):
    return answers.read_simple_auth(status, JSON, body, private_auth_type="0")


def check_login(body, status=200, headers=JSON):
    return answers.read_login_check(status, headers, body)


def test_data_comes_with_count_and_balance():
    body = encode({**OK, "ResultList": [{"Year": "2023년"}, {"Year": "2021년"}]})
    answer = read_data(body)
    assert (answer.count, answer.skipped, answer.point_balance) == (2, 0, Decimal("1234.50"))
    assert "2023" not in repr(answer)


@pytest.mark.parametrize("rows", [None, []])
def test_nobody_ever_examined_is_a_success(rows):
    assert read_data(encode({**OK, "ResultList": rows})).count == 0


@pytest.mark.parametrize("balance", [None, "", "plenty", "NaN", [], 7])
def test_odd_balances_do_no_harm(balance):
    answer = read_data(encode({**OK, "PointBalance": balance, "ResultList": []}))
    assert answer.point_balance == (Decimal(7) if balance == 7 else None)


def test_byte_order_mark_is_no_obstacle():
    assert read_data(b"\xef\xbb\xbf" + encode({**OK, "ResultList": [{}]})).count == 1


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (JSON, refuse("인증 대기", 4115)),
        (JSON, refuse("입력하신 정보", "4115")),
        (JSON, encode({**OK, "ErrorCode": 4115, "ResultList": None})),
        (JSON, encode({**OK, "Message": "인증이 완료되지 않았습니다.", "ResultList": []})),
        (JSON, refuse("인증이 아직 완료되지 않았습니다. 완료 후 확인 후 다시 시도해 주세요.")),
        (JSON, refuse("간편<b>인증</b>을 완료한 후 진행해 주세요")),
        (JSON, refuse("승인되지 않았습니다")),
        ({"Content-Type": "text/html; charset=utf-8"}, b"<!DOCTYPE html><html></html>"),
        ({"Content-Type": "text/html"}, b""),
        ({}, b"\r\n <html>"),
    ],
)
def test_not_approved_yet_means_waiting(headers, body):
    with pytest.raises(NotApproved) as caught:
        read_data(body, headers=headers)
    assert caught.value.retryable


@pytest.mark.parametrize("status", [200, 203, 206])
def test_a_page_is_no_answer_with_whichever_success(status):
    assert not answers.may_hold_data(status, {}, b"<html>")
    with pytest.raises(NotApproved):
        answers.read_data(status, {}, b"<html>")
    assert answers.read_login_check(status, {}, b"<html>") is False


def test_json_labelled_as_html_is_still_json():
    assert read_data(encode({**OK, "ResultList": []}), headers={"content-type": "text/html"}).count == 0


@pytest.mark.parametrize(
    "message",
    [
        "입력하신 정보가 올바르지 않습니다",
        "입력하신<br/>정보가 다릅니다",
        "사용자 정보가 일치하지 않습니다",
        "확인 후 다시 시도해 주세요",
        "인증을 진행할 수 없습니다",
    ],
)
@pytest.mark.parametrize("read", [read_data, read_auth, check_login])
def test_wrong_personal_data_is_not_retried(read, message):
    with pytest.raises(WrongPersonalData) as caught:
        read(refuse(message))
    assert not caught.value.retryable


def test_simple_auth_gives_the_tokens():
    tokens = read_auth(encode({**OK, "ResultData": RESULT}))
    assert tokens.to_dict() == {
        "cx_id": "cx-invented",
        "private_auth_type": "0",
        "req_tx_id": "req-invented",
        "token": "token-invented",
        "tx_id": "tx-invented",
    }


@pytest.mark.parametrize("given", ["3", None])
def test_missing_account_names_the_authenticator(given):
    body = encode({**OK, "ResultData": {**RESULT, "CxId": None, "PrivateAuthType": given}})
    with pytest.raises(NotRegistered) as caught:
        read_auth(body)
    assert caught.value.private_auth_type == (given or "0")


@pytest.mark.parametrize("body", [refuse("요청 오류", 4115), refuse("인증이 완료되지 않은 요청이 있습니다")])
def test_before_the_request_nothing_can_be_unapproved(body):
    with pytest.raises(RefusedBeforeApproval):
        read_auth(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"<html>",
        b'{"Status": "OK", "Resul',
        encode({"ResultData": RESULT}),
        encode(OK),
        encode({**OK, "ResultData": None}),
        encode({**OK, "ResultData": {}}),
        encode({**OK, "ResultData": {"CxId": "cx-invented"}}),
    ],
)
def test_malformed_authentication_is_passing(body):
    with pytest.raises(TilkoUnavailable) as caught:
        read_auth(body)
    assert caught.value.reason == "malformed"


UNREADABLE = [
    b"null",
    b"\xff{",
    b'{"Status": "OK", "ResultList": [{"Ye',
    encode(OK),
    encode({"Records": []}),
    encode({**OK, "ResultList": "[..."}),
    encode([{"Year": "2023"}]),
    b"[" * 5000,
]


def test_an_answer_of_no_bytes_is_passing():
    with pytest.raises(TilkoUnavailable) as caught:
        read_data(b"")
    assert (caught.value.retryable, caught.value.reason) == (True, "malformed")


@pytest.mark.parametrize("body", UNREADABLE)
def test_what_may_have_been_paid_for_and_cannot_be_read_is_not_asked_for_again(body):
    assert answers.may_hold_data(200, JSON, body)
    with pytest.raises(AnswerUnreadable) as caught:
        read_data(body)
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 200),
        (b"<html>", 200),
        (b"not json", 502),
        (encode(OK), 302),
        (refuse("점검 중"), 200),
        (encode({**OK, "ErrorCode": 4115, "ResultList": None}), 200),
        (b"<html>" + b" " * 300_000, 500),
        (b"\r\n<html>" + b" " * 300_000, 200),
        (encode({"status": "ERROR", "errorCode": "7", "resultList": []}), 200),
        (json.dumps({"ErrorCode": "4115", "Status": "OK", "ResultList": []}, indent=2).encode(), 200),
    ],
)
def test_what_certainly_was_not_paid_for_need_not_be_kept(body, status):
    assert not answers.may_hold_data(status, JSON, body)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (encode({**OK, "ResultList": []}), JSON),
        (encode({**OK, "ErrorCode": 41150, "ResultList": []}), JSON),
        (encode({**OK, "ErrorCode": 4115, "ResultList": [{"Year": "2023"}]}), JSON),
        (encode({"ResultList": {"Year": "2023"}, "Status": "Odd"}), JSON),
        (gzip.compress(refuse("점검 중"), mtime=0), {**JSON, "Content-Encoding": "gzip"}),
        (encode({**OK, "ResultList": [{}]}) * 100_000, JSON),
    ],
)
def test_whether_to_keep_an_answer_is_told_without_decoding_or_parsing_it(monkeypatch, body, headers):
    for name in ("decode_body", "read_object"):
        monkeypatch.setattr(answers, name, None)
    assert answers.may_hold_data(200, headers, body)
    assert not answers.may_hold_data(200, JSON, refuse("점검 중", 4115))


@pytest.mark.parametrize("status", [200, 206, 403, 500])
def test_records_count_whatever_the_status_says(status):
    body = encode({**OK, "ResultList": [{}]})
    assert answers.may_hold_data(status, JSON, body)
    assert read_data(body, status=status).count == 1


@pytest.mark.parametrize(
    ("body", "count", "skipped"),
    [
        (encode({**OK, "ResultList": [{"Year": "2023"}, None, 7, "row", [], {"Year": "2021"}]}), 2, 4),
        (encode({"status": "Ok", "resultList": [{}]}), 1, 0),
        (encode({**OK, "ResultList": {"Year": "2023"}}), 1, 0),
        (encode({**OK, "ResultList": {}}), 0, 0),
        (b'{"Status":"OK","ResultList":[{"Location":"\\ud83c"}]}', 1, 0),
        (json.dumps({**OK, "ResultList": [{"Location": "한빛"}]}, ensure_ascii=False).encode("utf-16"), 1, 0),
        (json.dumps({**OK, "ResultList": [{"Location": "한빛"}]}, ensure_ascii=False).encode("cp949"), 1, 0),
        (json.dumps(encode({**OK, "ResultList": [{}]}).decode()).encode(), 1, 0),
        (encode({**OK, "ResultList": [{}]}) + b"\x00\n<!-- served by 3 -->", 1, 0),
        (b'{"Status":"OK","ResultList":[{"Value":NaN},{"Value":1' + b"0" * 400 + b"}]}", 2, 0),
        (b'{"Status":"OK","ResultList":[{"Value":"a\tb\nc"}]}', 1, 0),
        (b'{"Status":"OK","ResultList":[{"Value":NaN,"Odd":' + b"[" * 400 + b"]" * 400 + b"},{}]}", 2, 0),
    ],
)
def test_odd_answers_are_read_for_what_they_say(body, count, skipped):
    answer = read_data(body)
    assert (answer.count, answer.skipped) == (count, skipped)
    rows, _ = answers.rows_of(answers.read_answer(JSON, body))
    assert len(orjson.loads(orjson.dumps(rows))) == count


@pytest.mark.parametrize(
    "body",
    [
        encode({"Status": "Error", "ErrorCode": 7, "Message": "점검 중", "ResultList": None}),
        encode({"status": "error", "resultList": []}),
        encode({**OK, "ErrorCode": 4115, "ResultList": None}),
    ],
)
def test_what_was_kept_and_refuses_is_no_empty_list(body):
    with pytest.raises(AnswerUnreadable) as caught:
        answers.read_answer(JSON, body)
    assert caught.value.reason == "refused"


def test_what_was_kept_and_is_no_list_is_not_saved_either():
    with pytest.raises(AnswerUnreadable):
        answers.read_answer(JSON, encode({**OK, "ResultList": "[..."}))


def test_an_answer_that_comes_coded_all_the_same_is_read():
    body = gzip.compress(gzip.compress(encode({**OK, "ResultList": [{}]})))
    coded = {**JSON, "Content-Encoding": "gzip, gzip"}
    assert answers.may_hold_data(200, coded, body)
    assert read_data(body, headers=coded).count == 1


def test_a_coding_that_nobody_knows_is_kept_for_people_to_look_at():
    coded = {**JSON, "Content-Encoding": "br"}
    assert answers.may_hold_data(200, coded, b"\x0b\x02")
    with pytest.raises(AnswerUnreadable, match="unknown_coding"):
        read_data(b"\x0b\x02", headers=coded)


def test_damaged_answer_does_not_travel_in_the_error():
    with pytest.raises(AnswerUnreadable) as caught:
        read_data('{"Status": "OK", "ResultList": [{"Location": "한빛검진의원'.encode())
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("body", [b"", b"<html>", refuse("입력하신 정보")])
def test_busy_servers_are_passing(status, body):
    with pytest.raises(TilkoUnavailable) as caught:
        read_data(body, status=status)
    assert caught.value.http_status == status


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("Sat, 21 Nov 2026 03:00:30 GMT", 30.0),
        ("Sat, 21 Nov 2026 02:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_honoured(value, seconds):
    with clock.frozen(datetime(2026, 11, 21, 3, 0, 0, tzinfo=UTC)), pytest.raises(TilkoUnavailable) as caught:
        read_data(b"", status=429, headers={"retry-after": value})
    assert caught.value.retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, b""),
        (403, b"<html>"),
        (200, refuse("API-KEY가 올바르지 않습니다")),
        (400, refuse("등록되지 않은 API Key")),
    ],
)
@pytest.mark.parametrize("read", [read_data, read_auth, check_login])
def test_our_own_configuration_is_told_apart(read, status, body):
    with pytest.raises(TilkoMisconfigured) as caught:
        read(body, status=status)
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, refuse("점검 중입니다", 9001)),
        (400, refuse("잘못된 요청", 9001)),
        (302, refuse("이동", 9001)),
        (400, encode(OK)),
    ],
)
@pytest.mark.parametrize(("read", "passes"), [(read_data, False), (read_auth, True), (check_login, True)])
def test_any_other_refusal_stops_the_step_but_ends_no_wait(read, passes, status, body):
    with pytest.raises(TilkoRefused) as caught:
        read(body, status=status)
    assert isinstance(caught.value, RefusedBeforeApproval) is passes
    assert (caught.value.retryable, caught.value.http_status) == (passes, status)


@pytest.mark.parametrize(
    ("status", "body"), [(302, b""), (307, b"<html>"), (404, b"<html>"), (418, b"{"), (400, b"[]")]
)
@pytest.mark.parametrize("read", [read_data, read_auth])
def test_a_page_of_somebody_on_the_way_is_passing(read, status, body):
    with pytest.raises(TilkoUnavailable) as caught:
        read(body, status=status)
    assert (caught.value.reason, caught.value.http_status) == ("malformed", status)


@pytest.mark.parametrize("read", [read_data, read_auth, check_login])
def test_who_declined_is_not_told_of_wrong_data(read):
    with pytest.raises(Declined) as caught:
        read(refuse("본인이 인증 요청을 거절하여 인증을 진행할 수 없습니다", 4100))
    assert not caught.value.retryable


@pytest.mark.parametrize("read", [read_data, read_auth, check_login])
def test_who_cannot_be_found_gave_wrong_data(read):
    with pytest.raises(WrongPersonalData) as caught:
        read(refuse("조회 실패", 9, TargetMessage="가입자를 찾을 수 없습니다"))
    assert caught.value.reason == "person_not_found"


@pytest.mark.parametrize(
    ("body", "approved"),
    [
        (encode({**OK, "Result": True}), True),
        (encode({**OK, "Result": False}), False),
        (encode({**OK, "Result": "true"}), True),
        (b"\xef\xbb\xbf" + encode({**OK, "Result": True}), True),
        (encode({**OK, "Result": True, "ErrorCode": 4115}), False),
        (refuse("인증 대기", 4115, Result=False), False),
        (refuse("인증이 완료되지 않았습니다", 7, Result=None), False),
        (b"<!DOCTYPE html><html></html>", False),
    ],
)
def test_a_login_check_says_whether_the_person_has_approved(body, approved):
    assert check_login(body) is approved


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"\xff{"),
        (200, encode(OK)),
        (200, encode({**OK, "Result": None})),
        (200, encode({**OK, "Result": 2})),
        (200, encode({"Result": True})),
        (302, b"<html>"),
        (418, b"{"),
    ],
)
def test_a_login_check_that_cannot_be_read_is_passing(status, body):
    with pytest.raises(TilkoUnavailable) as caught:
        check_login(body, status=status)
    assert (caught.value.retryable, caught.value.reason) == (True, "malformed")


@pytest.mark.parametrize("body", [b"", b"<html>", refuse("no such resource")])
def test_a_path_that_is_not_there_is_told_apart(body):
    with pytest.raises(EndpointMissing):
        check_login(body, status=404)


def test_refusal_keeps_code_and_log_for_the_operators():
    with pytest.raises(TilkoRefused) as caught:
        read_data(refuse("<p>실패</p>", 9001, ErrorLog="<b>line</b> 12 " + "x" * 5000))
    error = caught.value
    assert (error.provider_code, error.provider_message) == (9001, "실패")
    assert error.error_log.startswith("line 12 x")
    assert len(error.error_log) == 500


def test_echoed_persons_are_hidden():
    body = refuse("김하늘 님 010-1234-5678", 9001, ErrorLog="19840517 cx-invented 김하늘")
    with pytest.raises(TilkoRefused) as caught:
        read_data(body, hide=("김하늘", "cx-invented"))
    assert (caught.value.provider_message, caught.value.error_log) == ("*** 님 ***", "*** *** ***")


def test_text_of_an_error_is_ours_alone():
    with pytest.raises(TilkoRefused) as caught:
        read_data(refuse("김하늘 님의 기록", 9001, ErrorLog="김하늘"))
    assert str(caught.value) == "Tilko refused (HTTP 200, code 9001)"
    assert "김하늘" not in repr(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        NotRegistered("3"),
        TilkoRefused(http_status=200, provider_code=7, error_log="x"),
        TilkoUnavailable(reason="busy"),
    ],
)
def test_errors_survive_pickle_and_copy(error):
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert isinstance(twin, TilkoError)
        assert (str(twin), vars(twin)) == (str(error), vars(error))


def test_public_key_is_read(provider):
    body = encode({"Status": "OK", "ApiKey": "invented-api-key", "PublicKey": provider.public_text()})
    assert answers.read_public_key(200, JSON, body, "invented-api-key").api_key == "invented-api-key"


@pytest.mark.parametrize(
    "fields",
    [
        {"Status": "Error", "Message": "없는 키"},
        {"Status": "OK", "ApiKey": "another", "PublicKey": "x"},
        {"Status": "OK"},
    ],
)
def test_unknown_api_key_is_our_configuration(fields):
    with pytest.raises(TilkoMisconfigured):
        answers.read_public_key(200, JSON, encode(fields), "invented-api-key")


@pytest.mark.parametrize("text", [None, "", "aGVsbG8=", "한글"])
def test_damaged_public_key_is_passing(text):
    body = encode({"Status": "OK", "ApiKey": "invented-api-key", "PublicKey": text})
    with pytest.raises(TilkoUnavailable):
        answers.read_public_key(200, JSON, body, "invented-api-key")


def test_what_came_of_an_answer_that_was_cut_at_our_limit_is_unreadable():
    cut = b" " * (answers.MAX_RESPONSE_BYTES + 1)
    assert answers.may_hold_data(200, {}, cut)
    with pytest.raises(AnswerUnreadable, match="too_large"):
        answers.read_data(200, {}, cut)
