"""What only one of the two Tilko clients does."""

import asyncio
import gc
import json
import threading
from datetime import date

import pytest

from core.clock import clock
from tests.integration.upstream import peer as peers
from upstream.http.exchange import PaidCall
from upstream.tilko.answers import MAX_SMALL_ANSWER_BYTES
from upstream.tilko.async_client import AsyncTilkoClient
from upstream.tilko.codec import AuthTokens
from upstream.tilko.errors import (
    AnswerUnreadable,
    NotApproved,
    NotRegistered,
    TilkoError,
    TilkoRefused,
    TilkoUnavailable,
)

RESULT = {"CxId": "cx-invented", "PrivateAuthType": "0", "ReqTxId": "r", "Token": "t", "TxId": "x"}


def test_simple_auth_gives_tokens(peer, client, person):
    peer.answer = peers.give_json({"Status": "OK", "ResultData": RESULT})
    assert client.request_simple_auth(person).cx_id == "cx-invented"
    assert json.loads(peer.bodies[0])["PrivateAuthType"] == "0"


def test_missing_account_is_told_apart(peer, client, person):
    peer.answer = peers.give_json({"Status": "OK", "ResultData": {**RESULT, "CxId": None}})
    with pytest.raises(NotRegistered) as caught:
        client.request_simple_auth(person)
    assert caught.value.private_auth_type == "0"


def test_treatments_ask_for_the_period(peer, client, person, tokens):
    peer.answer = peers.give_json({"Status": "OK", "ResultList": [{}, {}], "PointBalance": "9.5"})
    answer = client.fetch_treatments(person, tokens, date(2025, 9, 1), date(2026, 9, 30))
    fields = json.loads(peer.bodies[0])
    assert (answer.count, fields["StartDate"], fields["EndDate"]) == (2, "20250901", "20260930")


REFUSALS = [
    peers.give_json({"Status": "Error", "ErrorCode": 1, "Message": "복호화 오류"}),
    peers.give_json({"Status": "Error", "ErrorCode": 1, "Message": "복호화 오류"}, 400),
    peers.give_body(b"", 400),
    peers.give_json({"Status": "Error", "Message": "오류"}, 500),
]


@pytest.fixture
def pass_a_minute(monkeypatch):
    before, minutes = clock.monotonic, []
    monkeypatch.setattr(clock, "monotonic", lambda: before() + 60 * len(minutes))
    return lambda: minutes.append(1)


def exchange_key(peer):
    """From now on the provider opens nothing that was sealed with the key before; so it refuses."""
    peer.answer_key = peers.give_json(
        {"Status": "OK", "ApiKey": peers.API_KEY, "PublicKey": peers.another_public_text()}
    )


@pytest.mark.parametrize("refuse", REFUSALS)
def test_a_refusal_after_the_provider_has_exchanged_its_key_is_passing(
    peer, client, person, tokens, pass_a_minute, refuse
):
    client.fetch_checkups(person, tokens)
    pass_a_minute()
    exchange_key(peer)
    good, peer.answer = peer.answer, refuse
    with pytest.raises(TilkoUnavailable) as caught:
        client.fetch_checkups(person, tokens)
    assert caught.value.reason == "key_rotated"
    peer.answer = good
    client.fetch_checkups(person, tokens)
    assert len(peer.keys_asked) == 2


def test_a_refusal_while_the_key_is_the_same_is_a_refusal(peer, client, person, tokens, pass_a_minute):
    client.fetch_checkups(person, tokens)
    pass_a_minute()
    peer.answer = REFUSALS[0]
    for _ in range(3):
        with pytest.raises(TilkoRefused):
            client.fetch_checkups(person, tokens)
    assert len(peer.keys_asked) == 2  # once more, and believed for a while


def test_a_refusal_stays_one_when_the_key_cannot_be_had_again(peer, client, person, tokens, pass_a_minute):
    client.fetch_checkups(person, tokens)
    pass_a_minute()
    peer.answer, peer.answer_key = REFUSALS[0], peers.cut_before_answer
    with pytest.raises(TilkoRefused):
        client.fetch_checkups(person, tokens)


def test_an_answer_that_nobody_can_read_is_none_of_the_key_s_faults(peer, client, person, tokens, pass_a_minute):
    """It may have been paid for: a passing fault would buy it again."""
    client.fetch_checkups(person, tokens)
    pass_a_minute()
    exchange_key(peer)
    peer.answer = peers.give_json({"Status": "OK", "ResultList": "none"}, 500)
    with pytest.raises(AnswerUnreadable):
        client.fetch_checkups(person, tokens)


@pytest.mark.parametrize("refuse", REFUSALS)
def test_a_push_is_asked_for_with_the_provider_s_new_key(peer, client, person, pass_a_minute, refuse):
    client.fetch_checkups(person, AuthTokens("c", "0", "r", "t", "x"))
    pass_a_minute()
    exchange_key(peer)
    peer.answer = refuse
    with pytest.raises(TilkoUnavailable, match="key_rotated"):
        client.request_simple_auth(person)


@pytest.mark.parametrize("refuse", REFUSALS)
def test_a_poll_that_is_refused_has_the_key_asked_for_again(peer, person, tokens, pass_a_minute, refuse):
    async def poll_thrice():
        async with AsyncTilkoClient(peer.url, peers.API_KEY) as client:
            await client.poll(person, tokens)
            pass_a_minute()
            good, peer.answer = peer.answer, refuse
            with pytest.raises(TilkoError):
                await client.poll(person, tokens)
            peer.answer = good
            await client.poll(person, tokens)
            return len(peer.keys_asked)

    assert asyncio.run(poll_thrice()) == 2


def test_a_refused_poll_is_read_up_to_the_bound_of_small_answers(peer, person, tokens):
    """On the one loop of all polls: its 64 MiB would hold up each of them."""
    refusal = b'{"Status":"Error","ErrorCode":4115,"Message":"' + b"x" * MAX_SMALL_ANSWER_BYTES + b'"}'

    async def poll():
        async with AsyncTilkoClient(peer.url, peers.API_KEY) as client:
            await client.poll(person, tokens)

    peer.answer = peers.give_body(refusal, 400)
    with pytest.raises(TilkoUnavailable, match="malformed"):
        asyncio.run(poll())


def test_many_polls_share_one_public_key(peer, person, tokens):
    peer.answer = peers.give_json({"Status": "Error", "ErrorCode": 4115})

    async def poll_many():
        async with AsyncTilkoClient(peer.url, peers.API_KEY, max_connections=10) as client:
            polls = [client.poll(person, tokens) for _ in range(50)]
            return await asyncio.gather(*polls, return_exceptions=True)

    outcomes = asyncio.run(poll_many())
    assert {type(outcome) for outcome in outcomes} == {NotApproved}
    assert (len(peer.keys_asked), len(peer.bodies)) == (1, 50)


def test_public_key_that_failed_is_asked_again_by_the_next(peer, person, tokens):
    good = peer.answer_key
    peer.answer_key = peers.cut_before_answer

    async def poll_twice():
        async with AsyncTilkoClient(peer.url, peers.API_KEY) as client:
            with pytest.raises(TilkoUnavailable):
                await client.poll(person, tokens)
            peer.answer_key = good
            return await client.poll(person, tokens)

    assert asyncio.run(poll_twice()).status == 200


def test_cancelled_poll_leaves_the_others_alone(peer, person, tokens):
    good, asked, go_on = peer.answer_key, threading.Event(), threading.Event()

    def answer_when_told(handler):
        asked.set()
        go_on.wait(10)
        good(handler)

    async def cancel_first():
        async with AsyncTilkoClient(peer.url, peers.API_KEY) as client:
            first, second = (client.poll(person, tokens) for _ in range(2))
            assert await asyncio.to_thread(asked.wait, 10)
            first.cancel()
            go_on.set()
            return await second

    peer.answer_key = answer_when_told
    assert (asyncio.run(cancel_first()).status, len(peer.keys_asked), len(peer.bodies)) == (200, 1, 1)


def test_polls_that_find_nothing_leave_no_reference_cycles(peer, person, tokens):
    """Thousands a second would keep the garbage collector busy."""
    peer.answer = peers.give_json({"Status": "Error", "ErrorCode": 4115})

    async def poll(times):
        async with AsyncTilkoClient(peer.url, peers.API_KEY, max_connections=1) as client:
            await asyncio.gather(client.poll(person, tokens), return_exceptions=True)
            gc.collect()
            for _ in range(times):
                await asyncio.gather(client.poll(person, tokens), return_exceptions=True)
            return gc.collect()

    gc.disable()
    try:
        few, many = asyncio.run(poll(10)), asyncio.run(poll(60))
    finally:
        gc.enable()
    assert many - few < 50


def test_what_was_paid_for_is_kept_before_it_is_judged(peer, client, person, tokens):
    body = b'{"Status": "OK", "ResultList": [{"Ye'
    peer.answer = peers.give_body(body)
    kept = []
    with pytest.raises(AnswerUnreadable):
        client.fetch_checkups(person, tokens, PaidCall(keep=kept.append))
    assert [response.body for response in kept] == [body]


@pytest.mark.parametrize("answer", [peers.give_json({"Status": "Error", "ErrorCode": 4115}), peers.give_json({}, 503)])
def test_what_cost_nothing_is_not_kept(peer, client, person, tokens, answer):
    peer.answer = answer
    kept = []
    with pytest.raises(TilkoError):
        client.fetch_checkups(person, tokens, PaidCall(keep=kept.append))
    assert kept == []


def test_what_is_kept_back_at_the_last_moment_is_not_sent(peer, client, person, tokens):
    def refuse():
        raise InterruptedError

    with pytest.raises(InterruptedError):
        client.fetch_checkups(person, tokens, PaidCall(before_send=refuse))
    assert peer.bodies == []


def test_a_call_ends_with_its_own_deadline(peer, client, person, tokens):
    peer.answer = peers.stay_silent
    began = clock.monotonic()
    with pytest.raises(TilkoUnavailable):
        client.fetch_checkups(person, tokens, PaidCall(ends_at=began + 0.3))
    assert clock.monotonic() - began < 3
