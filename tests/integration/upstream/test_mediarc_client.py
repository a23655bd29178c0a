"""MediArc's client over real sockets."""

import json

import pytest

from tests.integration.upstream import peer as peers
from upstream.http.exchange import PaidCall
from upstream.mediarc.answers import MAX_RESPONSE_BYTES, read_report_response
from upstream.mediarc.client import MediarcClient
from upstream.mediarc.errors import (
    MediarcAnswerUnreadable,
    MediarcError,
    MediarcMisconfigured,
    MediarcRefused,
    MediarcResponseTooLarge,
    MediarcUnavailable,
)

PAYLOAD = {"user_name": "김하늘", "return_type": "both", "twobecon_data": {"tid": "TM_WELNO_3f9c1a2b"}}
ANSWER = {"mkt_uuid": "u", "report_url": "https://reports.example/r.pdf", "mediarC": {"bodyage": 38, "data": []}}


def test_report_is_ordered_with_the_key_in_the_body(peer, mediarc):
    peer.answer = peers.give_json(ANSWER)
    assert mediarc.order_report(PAYLOAD).bodyage == 38
    assert json.loads(peer.bodies[0]) == {"api_key": "invented-mediarc-key", **PAYLOAD}


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (peers.stay_silent, MediarcUnavailable, "timed_out"),
        (peers.drip, MediarcUnavailable, "timed_out"),
        (peers.cut_before_answer, MediarcUnavailable, "broken_response"),
        (peers.cut_in_body, MediarcUnavailable, "broken_response"),
        (peers.truncate_body, MediarcUnavailable, "malformed"),
        (peers.give_json({"error": "busy"}, 503), MediarcUnavailable, "busy"),
        (peers.give_body(b" " * 2_000_000), MediarcResponseTooLarge, "too_large"),
        (peers.give_body(b"x" * 2_000_000, 502), MediarcResponseTooLarge, "too_large"),
        (peers.give_body(b"no gzip", Content_Encoding="gzip"), MediarcAnswerUnreadable, "damaged_coding"),
        (peers.give_body(b"\x0b\x02", Content_Encoding="br"), MediarcAnswerUnreadable, "unknown_coding"),
        (peers.give_body(b"\x0b\x02", 503, Content_Encoding="br"), MediarcUnavailable, "busy"),
        (peers.give_coded_transfer, MediarcAnswerUnreadable, "unknown_coding"),
        (peers.give_json({"error": "key"}, 401), MediarcMisconfigured, ""),
        (peers.give_json({"error": "checkup.fbs"}, 400), MediarcRefused, ""),
    ],
)
def test_each_failure_has_its_error_and_one_order(peer, mediarc, answer, error, reason):
    peer.answer = answer
    with pytest.raises(error) as caught:
        mediarc.order_report(PAYLOAD)
    assert (caught.value.reason, len(peer.bodies)) == (reason, 1)


def test_echoed_person_is_hidden(peer, mediarc):
    peer.answer = peers.give_json({"error": "김하늘 invented-mediarc-key"}, 400)
    with pytest.raises(MediarcRefused) as caught:
        mediarc.order_report(PAYLOAD)
    assert caught.value.error_text == "*** ***"


@pytest.mark.parametrize(
    ("body", "status", "is_kept"), [(b'{"mediarC": {}}', 200, True), (b'{"error": "x"}', 400, False)]
)
def test_a_report_is_kept_before_it_is_judged(peer, mediarc, body, status, is_kept):
    peer.answer = peers.give_body(body, status)
    kept = []
    with pytest.raises(MediarcError):
        mediarc.order_report(PAYLOAD, PaidCall(keep=kept.append))
    assert [response.body for response in kept] == [body] * is_kept


def order_and_keep(mediarc):
    kept = []
    with pytest.raises(MediarcError) as caught:
        mediarc.order_report(PAYLOAD, PaidCall(keep=kept.append))
    return kept, caught.value


def test_what_came_of_a_report_beyond_the_limit_is_kept_and_says_so_again(peer):
    body = b'{"mediarC": {' + b" " * (MAX_RESPONSE_BYTES + 100)
    peer.answer = peers.give_body(body)
    mediarc = MediarcClient(peer.url, "invented-mediarc-key", timeout_seconds=10)
    [part], error = order_and_keep(mediarc)
    mediarc.close()
    assert not error.retryable
    assert len(part.body) > MAX_RESPONSE_BYTES
    assert body.startswith(part.body)
    with pytest.raises(MediarcResponseTooLarge, match="too_large"):
        read_report_response(part)


def test_a_report_in_a_coding_of_the_transfer_is_kept_as_having_come_and_says_so_again(peer, mediarc):
    peer.answer = peers.give_coded_transfer
    [response], error = order_and_keep(mediarc)
    assert not error.retryable
    with pytest.raises(MediarcAnswerUnreadable, match="unknown_coding"):
        read_report_response(response)


def test_an_error_of_http_beyond_the_limit_is_no_report_to_keep(peer, mediarc):
    peer.answer = peers.give_body(b"x" * 2_000_000, 502)
    assert order_and_keep(mediarc)[0] == []
