"""Refresh tokens: exchanged once, answered again where the answer was lost, the end of a login when shown twice."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, update
from sqlalchemy.orm import Session, sessionmaker

from core.sealing import Sealer
from models.accounts import Login, Scope
from services.accounts.logins import LoginEnded, RefreshReused, check_login, forget_logins, open_login
from services.accounts.token_refresh import (
    Exchanged,
    RefreshKeyMismatch,
    ShownRefresh,
    TokenPair,
    exchange_refresh,
)
from services.delivery.kinds import SubjectKinds
from services.delivery.unit_of_work import Work

SEALER = Sealer({"k": bytes(range(32))})


@pytest.fixture
def work(sessions: sessionmaker[Session]) -> Iterator[Work]:
    """One transaction; what it made is gone afterwards."""
    with sessions() as session:
        yield Work(session, SubjectKinds([]))
        session.rollback()


@pytest.fixture
def sid(work: Work) -> UUID:
    return open_login(work.session, "patient", uuid4(), Scope.JOURNEY, refresh_id="1")


def exchange(work: Work, sid: UUID, token_id: str, key: str | None = None, *, sealer: Sealer = SEALER) -> Exchanged:
    def issue(login: Login) -> TokenPair:
        token_id = f"{uuid4()}"
        return TokenPair(f"access of {login.sid}", f"refresh {token_id}", token_id)

    return exchange_refresh(work, sealer, ShownRefresh(sid, token_id, key), issue)


def age(work: Work, sid: UUID, seconds: int) -> None:
    then = func.clock_timestamp() - timedelta(seconds=seconds)
    work.session.execute(update(Login).where(Login.sid == sid).values(refreshed_at=then))
    work.session.expire_all()


def test_each_exchange_ends_the_token_before(work: Work, sid: UUID):
    first = exchange(work, sid, "1")
    second = exchange(work, sid, first.pair.refresh_id)
    assert second.pair != first.pair
    check_login(work.session, sid, Scope.JOURNEY)


def test_who_shows_a_token_twice_loses_the_login_and_its_sockets(work: Work, sid: UUID):
    exchange(work, sid, "1")
    with pytest.raises(RefreshReused):
        exchange(work, sid, "1")
    assert work.ended_logins == [str(sid)]
    with pytest.raises(LoginEnded):
        check_login(work.session, sid, Scope.JOURNEY)


def test_an_answer_that_was_lost_is_given_again_to_the_same_key(work: Work, sid: UUID):
    first = exchange(work, sid, "1", "key-1")
    again = exchange(work, sid, "1", "key-1")
    assert (again.pair, first.is_replayed, again.is_replayed) == (first.pair, False, True)


@pytest.mark.parametrize("key", [None, "another"])
def test_another_key_or_none_is_no_excuse(work: Work, sid: UUID, key: str | None):
    exchange(work, sid, "1", "key-1")
    with pytest.raises(RefreshReused):
        exchange(work, sid, "1", key)


def test_after_a_minute_the_key_is_no_excuse(work: Work, sid: UUID):
    exchange(work, sid, "1", "key-1")
    age(work, sid, 59)
    assert exchange(work, sid, "1", "key-1").is_replayed
    age(work, sid, 61)
    with pytest.raises(RefreshReused):
        exchange(work, sid, "1", "key-1")


def test_once_the_answer_was_used_it_is_not_given_again(work: Work, sid: UUID):
    first = exchange(work, sid, "1", "key-1")
    exchange(work, sid, first.pair.refresh_id, "key-2")
    with pytest.raises(RefreshReused):
        exchange(work, sid, "1", "key-1")


def test_a_key_goes_with_one_token(work: Work, sid: UUID):
    first = exchange(work, sid, "1", "key-1")
    with pytest.raises(RefreshKeyMismatch):
        exchange(work, sid, first.pair.refresh_id, "key-1")


def test_the_answer_is_sealed_and_forgotten_soon(work: Work, sid: UUID):
    pair = exchange(work, sid, "1", "key-1").pair
    login = work.session.get_one(Login, sid)
    assert login.refresh_reply is not None
    assert pair.refresh_token not in login.refresh_reply
    age(work, sid, 301)
    forget_logins(work.session)
    work.session.expire_all()
    assert work.session.get_one(Login, sid).refresh_reply is None


def test_an_answer_under_a_key_that_is_gone_is_no_answer(work: Work, sid: UUID):
    exchange(work, sid, "1", "key-1")
    with pytest.raises(RefreshReused):
        exchange(work, sid, "1", "key-1", sealer=Sealer({"other": bytes(range(1, 33))}))


def test_a_login_without_refresh_tokens_gives_none(work: Work):
    staff = open_login(work.session, "staff", uuid4(), Scope.JOURNEY)
    with pytest.raises(LoginEnded):
        exchange(work, staff, "1")
