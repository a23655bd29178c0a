"""Accounts, their logins, refresh tokens and second factors, on a real PostgreSQL."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pyotp
import pytest
from sqlalchemy import delete, func, update
from sqlalchemy.orm import Session, sessionmaker

from core.sealing import Sealer
from models.accounts import Account, AccountKind, AccountRole, Login, RevokedWhy, Scope
from services.accounts.accounts import (
    AccountExists,
    AccountNotFound,
    PasswordTooEasy,
    PasswordTooShort,
    RoleOfAnotherKind,
    add_account,
    change_password,
    check_password,
    check_password_length,
    disable_account,
    find_account,
    require_account,
)
from services.accounts.logins import (
    LoginEnded,
    RefreshReused,
    check_login,
    forget_logins,
    note_second_factor,
    open_login,
    revoke_login,
    revoke_logins,
    rotate_refresh,
)
from services.accounts.second_factor import confirm_secret, forget_secret, offer_secret, take_code
from services.delivery.kinds import SubjectKinds
from services.delivery.unit_of_work import Work

OPERATOR = AccountKind.OPERATOR
SEALER = Sealer({"k": bytes(range(32))})
QUARTER = timedelta(minutes=15)
AT = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    """One transaction; what it made is gone afterwards."""
    with sessions() as session:
        yield session
        session.rollback()


@pytest.fixture
def account(session: Session) -> Account:
    add_account(session, OPERATOR, "Night.Shift", "밤 당번", "a hash", AccountRole.OPERATOR)
    return require_account(session, OPERATOR, "night.shift")


@pytest.fixture
def work(session: Session) -> Work:
    return Work(session, SubjectKinds([]))


@pytest.fixture
def sid(session: Session, account: Account) -> UUID:
    return open_login(session, account.kind, account.account_id, Scope.OPERATIONS, refresh_id="first")


def is_open(session: Session, sid: UUID, *, idle: timedelta | None = None, scope: Scope = Scope.OPERATIONS) -> bool:
    try:
        check_login(session, sid, scope, idle=idle)
    except LoginEnded:
        return False
    return True


def test_a_login_name_is_unique_within_its_kind_however_it_is_written(session: Session, account: Account):
    with pytest.raises(AccountExists):
        add_account(session, OPERATOR, " NIGHT.shift ", "다른 사람", "a hash", AccountRole.AUDITOR)
    add_account(session, AccountKind.STAFF, "night.shift", "간호사", "a hash", AccountRole.STAFF)
    found = find_account(session, (AccountKind.STAFF, OPERATOR), "night.shift")
    assert found is not None
    assert found.kind == AccountKind.STAFF


def test_a_role_belongs_to_its_kind(session: Session):
    with pytest.raises(RoleOfAnotherKind):
        add_account(session, AccountKind.STAFF, "desk", "접수", "a hash", AccountRole.OPERATOR)


def test_nobody_is_found_by_a_login_that_nobody_has(session: Session):
    assert find_account(session, tuple(AccountKind), "nobody") is None
    with pytest.raises(AccountNotFound):
        require_account(session, OPERATOR, "nobody")


@pytest.mark.parametrize("password", ["", "x" * 11, "x" * 257])
def test_a_password_has_a_least_and_a_longest_length(password: str):
    with pytest.raises(PasswordTooShort):
        check_password_length(password)


@pytest.mark.parametrize(
    "password",
    ["welno-password-1", "NightShift7NightShift7", "aaaaaaaaaaaaaaaa", "1212121212121212", "Ｐａｓｓｗｏｒｄwelno2026"],
)
def test_what_a_guesser_of_the_account_would_try_is_no_password(password: str):
    with pytest.raises(PasswordTooEasy):
        check_password(password, "nightshift7@hanbit.example")


@pytest.mark.parametrize(
    "password", ["correct horse battery", "welno and 14 blue geese", "ㄱ한글로 쓴 비밀번호 열두자"]
)
def test_any_composition_is_a_password(password: str):
    check_password(password, "nightshift7@hanbit.example")


def test_a_login_holds_and_tells_the_role_of_this_moment(session: Session, account: Account, sid: UUID):
    account.role = AccountRole.AUDITOR
    session.flush()
    state = check_login(session, sid, Scope.OPERATIONS)
    assert (state.principal_id, state.role, state.second_factor) == (account.account_id, "auditor", False)


def test_a_login_of_one_scope_is_none_of_another(session: Session, sid: UUID):
    assert not is_open(session, sid, scope=Scope.JOURNEY)


def test_an_unknown_login_holds_nothing(session: Session):
    assert not is_open(session, uuid4())


def test_a_login_that_was_taken_back_holds_no_longer(session: Session, sid: UUID):
    assert revoke_login(session, sid, RevokedWhy.SIGNED_OUT)
    assert not is_open(session, sid)
    assert not revoke_login(session, sid, RevokedWhy.SIGNED_OUT)


def test_a_disabled_account_is_thrown_out_and_its_sockets_with_it(work: Work, account: Account, sid: UUID):
    disable_account(work, account)
    assert not is_open(work.session, sid)
    assert work.ended_logins == [str(sid)]


def test_another_password_throws_out_whoever_had_the_old_one(work: Work, account: Account, sid: UUID):
    change_password(work, account, "another hash")
    assert not is_open(work.session, sid)
    assert work.ended_logins == [str(sid)]


def test_ending_all_logins_may_spare_one(session: Session, account: Account, sid: UUID):
    other = open_login(session, account.kind, account.account_id, Scope.OPERATIONS)
    assert revoke_logins(session, account.account_id, RevokedWhy.SIGNED_OUT, keep=sid) == [other]
    assert (is_open(session, sid), is_open(session, other)) == (True, False)


def seen(session: Session, sid: UUID, ago: timedelta) -> None:
    session.execute(update(Login).where(Login.sid == sid).values(last_seen_at=func.now() - ago))
    session.expire_all()


def test_a_login_that_is_not_used_ends(session: Session, sid: UUID):
    seen(session, sid, QUARTER + timedelta(seconds=1))
    assert not is_open(session, sid, idle=QUARTER)
    assert is_open(session, sid)


def test_a_use_puts_the_end_off(session: Session, sid: UUID):
    seen(session, sid, QUARTER - timedelta(minutes=1))
    assert is_open(session, sid, idle=QUARTER)
    session.expire_all()
    assert is_open(session, sid, idle=timedelta(seconds=20))


def test_a_refresh_token_is_exchanged_once(session: Session, sid: UUID):
    rotate_refresh(session, sid, "first", "second")
    rotate_refresh(session, sid, "second", "third")
    assert is_open(session, sid)


@pytest.mark.parametrize("old", ["first", "second", "never given"])
def test_a_refresh_token_that_was_exchanged_ends_the_login(session: Session, sid: UUID, old: str):
    rotate_refresh(session, sid, "first", "second")
    rotate_refresh(session, sid, "second", "third")
    with pytest.raises(RefreshReused):
        rotate_refresh(session, sid, old, "fourth")
    assert not is_open(session, sid)
    with pytest.raises(LoginEnded):
        rotate_refresh(session, sid, "third", "fourth")


def test_logins_that_nobody_can_use_are_forgotten(session: Session, account: Account, sid: UUID):
    session.execute(delete(Login).where(Login.sid != sid))
    seen(session, sid, timedelta(days=29))
    assert forget_logins(session) == 0
    seen(session, sid, timedelta(days=31))
    assert forget_logins(session) == 1


def code_of(uri: str, at: datetime = AT) -> str:
    return pyotp.parse_uri(uri).at(at)  # type: ignore[union-attr]


def hold_secret(account: Account) -> str:
    uri = offer_secret(account, SEALER)
    account.totp_secret = account.totp_offered
    return uri


def confirm(session: Session, account: Account, code: str) -> bool:
    return confirm_secret(Work(session, SubjectKinds([])), account, SEALER, code, AT, keep=uuid4())


def test_a_second_factor_counts_once_a_code_of_it_was_shown(session: Session, account: Account):
    uri = offer_secret(account, SEALER)
    assert not account.totp_confirmed
    assert not confirm(session, account, "000000")
    assert confirm(session, account, code_of(uri))
    assert account.totp_confirmed
    assert not confirm(session, account, code_of(uri))


def test_a_code_is_taken_once(session: Session, account: Account):
    uri = hold_secret(account)
    assert take_code(session, account, SEALER, code_of(uri), AT)
    assert not take_code(session, account, SEALER, code_of(uri), AT + timedelta(seconds=1))
    later = AT + timedelta(seconds=30)
    assert take_code(session, account, SEALER, code_of(uri, later), later)


def test_an_older_code_is_not_taken_after_a_newer_one(session: Session, account: Account):
    uri, later = hold_secret(account), AT + timedelta(seconds=30)
    assert take_code(session, account, SEALER, code_of(uri, later), AT)
    assert not take_code(session, account, SEALER, code_of(uri, AT), AT)


@pytest.mark.parametrize(("off", "is_taken"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_phones_clock_may_be_a_step_off(session: Session, account: Account, off: int, is_taken: bool):
    uri = hold_secret(account)
    assert take_code(session, account, SEALER, code_of(uri, AT + timedelta(seconds=off)), AT) is is_taken


def test_without_a_secret_no_code_is_right(session: Session, account: Account):
    assert not take_code(session, account, SEALER, "123456", AT)


def test_the_secret_is_sealed(account: Account):
    uri = offer_secret(account, SEALER)
    assert account.totp_offered is not None
    assert pyotp.parse_uri(uri).secret not in account.totp_offered


def test_a_forgotten_second_factor_throws_out_who_used_it(session: Session, account: Account, sid: UUID):
    uri = offer_secret(account, SEALER)
    assert confirm(session, account, code_of(uri))
    note_second_factor(session, sid)
    forget_secret(Work(session, SubjectKinds([])), account)
    assert (account.totp_confirmed, is_open(session, sid)) == (False, False)
