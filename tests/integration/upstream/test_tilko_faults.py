"""Whatever the network does, both clients raise the same error and send only one request."""

import gzip
import logging
import socket
import time
from contextlib import suppress
from datetime import date

import pytest

from tests.integration.upstream import peer as peers
from tests.integration.upstream.conftest import MIB
from upstream.http.exchange import PaidCall
from upstream.tilko import answers
from upstream.tilko.answers import read_data_response
from upstream.tilko.client import TilkoClient, Timeouts
from upstream.tilko.errors import (
    AnswerUnreadable,
    EndpointMissing,
    NotApproved,
    TilkoMisconfigured,
    TilkoResponseTooLarge,
    TilkoUnavailable,
)

PATIENT = Timeouts()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (peers.stay_silent, "timed_out"),
        (peers.drip, "timed_out"),
        (peers.drip_head, "timed_out"),
        (peers.announce_without_end, "timed_out"),
        (peers.cut_before_answer, "broken_response"),
        (peers.cut_in_body, "broken_response"),
        (peers.speak_no_http, "broken_response"),
        (peers.give_body(b""), "malformed"),
        (peers.give_json({}, 503), "busy"),
    ],
)
def test_a_network_fault_is_retryable_and_sent_once(peer, asking, answer, reason):
    peer.answer = answer
    with pytest.raises(TilkoUnavailable) as caught:
        asking.ask(peer.url)
    assert (caught.value.reason, caught.value.retryable) == (reason, True)
    assert len(peer.bodies) == 1


def test_a_billed_answer_in_a_coding_of_the_transfer_is_not_bought_again(peer, asking, client, person, tokens):
    peer.answer = peers.give_coded_transfer
    if asking.kind == "async":
        assert asking.ask(peer.url).count == 2
        return
    kept = []
    with pytest.raises(AnswerUnreadable) as caught:
        client.fetch_checkups(person, tokens, PaidCall(keep=kept.append))
    assert (caught.value.reason, len(peer.bodies)) == ("unknown_coding", 1)
    [response] = kept  # nothing of it can be had, but that it came
    with pytest.raises(AnswerUnreadable, match="unknown_coding"):
        read_data_response(response)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (peers.truncate_body, "not_json"),
        (peers.give_body(b'{"Status": "OK", "Res'), "not_json"),
        (peers.give_body(b"no gzip", Content_Encoding="gzip"), "damaged_coding"),
    ],
)
def test_a_whole_response_that_says_nothing_is_not_asked_for_again(peer, asking, answer, reason):
    peer.answer = answer
    with pytest.raises(AnswerUnreadable) as caught:
        asking.ask(peer.url)
    assert (caught.value.reason, caught.value.retryable) == (reason, False)
    assert len(peer.bodies) == 1


def test_no_coding_is_asked_for_and_one_that_comes_is_taken_off(peer, asking):
    body = gzip.compress(b'{"Status": "OK", "ResultList": [{}]}')
    peer.answer = peers.give_body(body, Content_Encoding="gzip")
    assert asking.ask(peer.url).count == 1
    assert {headers["Accept-Encoding"] for headers in peer.seen_headers} == {"identity"}


def test_an_answer_is_kept_before_its_coding_is_taken_off(peer, client, person, tokens, monkeypatch):
    body = gzip.compress(b'{"Status": "OK", "ResultList": [{}]}')
    peer.answer = peers.give_body(body, Content_Encoding="gzip")
    client.fetch_checkups(person, tokens)  # the public key, which is read too, is known from here on
    steps, decode_body = [], answers.decode_body

    def decode(*args):
        steps.append("decoded")
        return decode_body(*args)

    monkeypatch.setattr(answers, "decode_body", decode)
    client.fetch_checkups(person, tokens, PaidCall(keep=lambda reply: steps.append(reply.body)))
    assert steps == [body, "decoded"]


@pytest.mark.parametrize("answer", [peers.drip, peers.drip_head, peers.announce_without_end])
def test_a_response_sent_byte_by_byte_ends_at_the_deadline(peer, asking, answer):
    peer.answer = answer
    started = time.monotonic()
    with pytest.raises(TilkoUnavailable):
        asking.ask(peer.url)
    assert time.monotonic() - started < 3


def test_refused_connection_is_retryable(asking):
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # bound, not listening
        with pytest.raises(TilkoUnavailable) as caught:
            asking.ask(f"http://127.0.0.1:{reserved.getsockname()[1]}")
    assert caught.value.reason == "unreachable"


def test_retry_after_reaches_the_caller(peer, asking):
    peer.answer = peers.give_json({}, 429, Retry_After="7")
    with pytest.raises(TilkoUnavailable) as caught:
        asking.ask(peer.url)
    assert caught.value.retry_after_seconds == 7.0


@pytest.mark.parametrize("version", ["v2.0", "v1.0"])
@pytest.mark.parametrize("result", [True, False])
def test_a_login_check_is_asked_once_of_the_version_named(peer, asking, version, result):
    peer.answer = peers.give_json({"Status": "OK", "Result": result})
    assert asking.check_login(peer.url, version) is result
    assert peer.paths_asked == [f"/api/{version}/nhissimpleauth/LoginCheck"]


def test_a_missing_login_check_is_told_apart(peer, asking):
    peer.answer = peers.give_json({"Message": "no such resource"}, 404)
    with pytest.raises(EndpointMissing):
        asking.check_login(peer.url)


def test_a_login_check_that_hangs_ends_at_its_deadline(peer, asking):
    peer.answer = peers.stay_silent
    with pytest.raises(TilkoUnavailable) as caught:
        asking.check_login(peer.url)
    assert caught.value.reason == "timed_out"


YES = b'{"Status":"OK","Result":true}'
APPROVED = YES + b" " * 4 * MIB  # what follows the object is passed over: within the bound it would be a yes


def test_a_login_check_is_read_up_to_a_bound_of_its_own(peer, asking):
    peer.answer = peers.give_body(YES + b" " * (answers.MAX_SMALL_ANSWER_BYTES - len(YES)))
    assert asking.check_login(peer.url) is True
    peer.answer = peers.give_body(APPROVED)
    with pytest.raises(TilkoResponseTooLarge):
        asking.check_login(peer.url)


def test_what_is_missing_is_missing_however_long_its_page(peer, asking):
    """Else nobody would be asked in the other way."""
    peer.answer = peers.give_body(b"<html>" + b" " * MIB, 404, content_type="text/html")
    with pytest.raises(EndpointMissing):
        asking.check_login(peer.url)


def test_a_long_page_means_not_approved(peer, asking):
    peer.answer = peers.give_body(b"<html>" + b" " * MIB, content_type="text/html")
    assert asking.check_login(peer.url) is False


def test_a_login_check_is_inflated_up_to_that_bound(peer, asking):
    peer.answer = peers.give_body(gzip.compress(APPROVED), Content_Encoding="gzip")
    with pytest.raises(TilkoUnavailable, match="malformed"):
        asking.check_login(peer.url)


def test_the_key_is_read_up_to_that_bound(peer, asking):
    peer.answer_key = peers.give_body(APPROVED)
    with pytest.raises(TilkoResponseTooLarge):
        asking.check_login(peer.url)
    peer.answer_key = peers.give_body(gzip.compress(APPROVED), Content_Encoding="gzip")
    with pytest.raises(TilkoUnavailable, match="malformed"):
        asking.check_login(peer.url)


def test_the_answer_to_a_push_is_read_up_to_that_bound(peer, client, person):
    peer.answer = peers.give_body(APPROVED)
    with pytest.raises(TilkoResponseTooLarge):
        client.request_simple_auth(person)
    peer.answer = peers.give_body(gzip.compress(APPROVED), Content_Encoding="gzip")
    with pytest.raises(TilkoUnavailable, match="malformed"):
        client.request_simple_auth(person)


def test_html_page_means_not_approved(peer, asking):
    peer.answer = peers.give_body("<html>대기</html>".encode(), content_type="text/html")
    with pytest.raises(NotApproved):
        asking.ask(peer.url)


def test_kept_connection_that_closed_costs_no_second_call(peer, asking):
    peer.answer = peers.answer_then_hang_up
    try:
        asking.ask(peer.url, times=4)
    except TilkoUnavailable:  # a race that the client may lose, but must not paper over by asking again
        assert len(peer.bodies) <= 4
    else:
        assert len(peer.bodies) == 4


def test_cut_on_a_kept_connection_is_not_repeated(peer, asking):
    good = peer.answer

    def answer(handler):
        (good if len(peer.bodies) == 1 else peers.cut_before_answer)(handler)

    peer.answer = answer
    with pytest.raises(TilkoUnavailable):
        asking.ask(peer.url, times=2)
    assert len(peer.bodies) == 2


def test_answer_of_30_mib_is_whole(peer, asking):
    image = "A" * (30 * MIB)
    peer.answer = peers.give_json({"Status": "OK", "ResultList": [{"DrugImage": image}]})
    assert asking.ask(peer.url, timeouts=PATIENT, max_response_bytes=64 * MIB).count == 1


def give_8_mib(status, *, declared):
    def answer(handler):
        handler.send_response(status)
        if declared:
            handler.send_header("Content-Length", str(8 * MIB))
        handler.end_headers()
        handler.close_connection = True
        with suppress(ConnectionError):  # it is cut at the limit
            handler.wfile.write(b'{"Status":"OK","ResultList":[' + b'"",' * (8 * MIB // 3))

    return answer


@pytest.mark.parametrize("declared", [True, False])
def test_an_answer_beyond_the_limit_that_may_be_paid_for_is_unreadable(peer, asking, declared):
    peer.answer = give_8_mib(200, declared=declared)
    with pytest.raises(AnswerUnreadable) as caught:
        asking.ask(peer.url)
    assert not caught.value.retryable
    assert len(peer.bodies) == 1


@pytest.mark.parametrize("declared", [True, False])
def test_an_error_of_http_beyond_the_limit_is_no_answer(peer, asking, declared):
    peer.answer = give_8_mib(400, declared=declared)
    with pytest.raises(TilkoResponseTooLarge) as caught:
        asking.ask(peer.url)
    assert not caught.value.retryable


def test_what_came_of_an_answer_beyond_the_limit_is_kept(peer, person, tokens):
    kept = []
    peer.answer = give_8_mib(200, declared=True)
    small = TilkoClient(peer.url, peers.API_KEY, max_response_bytes=MIB)
    with pytest.raises(AnswerUnreadable, match="too_large"):
        small.fetch_treatments(person, tokens, date(2025, 1, 1), date(2025, 2, 1), PaidCall(keep=kept.append))
    small.close()
    [part] = kept
    assert part.status == 200
    assert MIB < len(part.body) <= 8 * MIB
    assert part.body.startswith(b'{"Status":"OK"')


def test_redirects_are_not_followed(peer, asking):
    peer.answer = peers.give_body(b"", 307, Location="/elsewhere")
    with pytest.raises(TilkoUnavailable, match="HTTP 307"):
        asking.ask(peer.url)
    assert len(peer.bodies) == 1


def test_cookies_of_one_person_never_return(peer, asking):
    peer.answer = peers.give_json({"Status": "OK", "ResultList": []}, Set_Cookie="session=1; Path=/")
    asking.ask(peer.url, times=2)
    assert not any("Cookie" in headers for headers in peer.seen_headers)


def test_public_key_is_asked_once_and_checked(peer, asking):
    asking.ask(peer.url + "//", times=3)
    assert peer.keys_asked == ["/api/Auth/GetPublicKey?APIkey=invented-api-key"]
    with pytest.raises(TilkoMisconfigured):
        asking.ask(peer.url, api_key="another-key")


def test_unusable_public_key_sends_no_person(peer, asking):
    peer.answer_key = peers.cut_before_answer
    with pytest.raises(TilkoUnavailable):
        asking.ask(peer.url)
    assert peer.bodies == []


def test_no_log_shows_key_token_or_person(peer, asking, caplog):
    caplog.set_level(logging.DEBUG)
    asking.ask(peer.url)
    shown = caplog.text
    secrets = (*asking.person.secrets(), *asking.tokens.secrets(), peers.API_KEY)
    assert not any(secret in shown for secret in secrets)


@pytest.mark.parametrize("url", ["", "api.tilko.net", "ftp://api.tilko.net", "http://", "http://api.tilko.net:80x"])
def test_unusable_address_stops_at_once(asking, url):
    with pytest.raises(ValueError, match="API address"):
        asking.ask(url)


@pytest.mark.parametrize("api_key", ["", "한글", "two words", "line\nbreak"])
def test_unusable_api_key_stops_at_once(peer, asking, api_key):
    with pytest.raises(ValueError, match="API key"):
        asking.ask(peer.url, api_key=api_key)
