"""What is remembered: approvals, the ledger, and the cache of lists."""

import asyncio
from datetime import date

import pytest

from dev.sandbox import answers
from dev.sandbox.answers import AnswerCache
from dev.sandbox.approvals import APPROVED, DECLINED, PENDING, Approvals
from dev.sandbox.errors import ConflictError, NotFoundError
from dev.sandbox.exchange import normalise_path, parse_body
from dev.sandbox.ledger import FIRST_BALANCE, PRICE, Ledger
from dev.sandbox.people import SEED_PEOPLE
from dev.sandbox.records import Question

TODAY = date(2026, 11, 21)


def test_only_pending_requests_are_listed_oldest_first():
    approvals = Approvals()
    first, second, third = (approvals.open(SEED_PEOPLE[0], "0") for _ in range(3))
    approvals.decide(second.cxid, APPROVED)
    assert approvals.pending() == [first, third]
    assert first.state == PENDING


def test_a_decision_stands():
    approvals = Approvals()
    request = approvals.open(SEED_PEOPLE[0], "0")
    approvals.decide(request.cxid, DECLINED)
    with pytest.raises(ConflictError):
        approvals.decide(request.cxid, APPROVED)
    with pytest.raises(NotFoundError):
        approvals.decide("nobody", APPROVED)


def test_each_data_call_is_billed():
    ledger = Ledger()
    for _ in range(2):
        ledger.bill_data(ledger.begin("/x"), "cx", "checkups")
    assert ledger.balance == FIRST_BALANCE - 2 * PRICE
    assert ledger.describe_calls("", "")["billed"] == {"cx": {"checkups": 2, "prescriptions": 0}}


@pytest.mark.parametrize("path", ["/api/X", "//api/x", "/API//x/"])
def test_paths_lose_case_and_double_slashes(path):
    assert normalise_path(path) == "/api/x"


@pytest.mark.parametrize("raw", [b"", b"[1]", b"{", b'"text"'])
def test_a_body_that_is_no_object_is_none(raw):
    assert parse_body(raw) is None


def test_a_dropped_list_is_built_again_byte_for_byte(monkeypatch):
    monkeypatch.setattr(answers, "MAX_KEPT_BYTES", 1)
    cache = AnswerCache()
    questions = [Question(person, 7, TODAY, None) for person in SEED_PEOPLE[:2]]

    async def fetch_all():
        return [await cache.fetch(question) for question in (*questions, questions[0])]

    first, _, again = asyncio.run(fetch_all())
    assert first == again


def test_two_who_ask_at_once_share_one_build():
    cache, question = AnswerCache(), Question(SEED_PEOPLE[0], 7, TODAY, None)

    async def fetch_twice():
        return await asyncio.gather(cache.fetch(question), cache.fetch(question))

    first, second = asyncio.run(fetch_twice())
    assert first is second
