"""Access tokens that were taken back, in PostgreSQL."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session, sessionmaker

from core.clock import Clock
from models.accounts import RevokedToken, TokensValidAfter
from services.accounts.revocations import (
    LONGEST_TOKEN_LIFE,
    Principal,
    PrincipalKind,
    forget_revocations,
    is_revoked,
    revoke_earlier,
    revoke_token,
    token_time,
)
from services.patients.identification import identify_patient
from services.patients.passwords import Passwords
from webapp.extensions import PATIENT_TOKEN_LIFE

from .conftest import HASHES, NOW, MakeIdentity

OWNER = Principal(PrincipalKind.PATIENT, "11111111-2222-8333-8444-555555555555")
HOUR = timedelta(hours=1)


@pytest.fixture
def token_id() -> str:
    return str(uuid4())


@pytest.fixture
def statements(engine: Engine) -> Iterator[list[str]]:
    sent: list[str] = []

    def note(_connection, _cursor, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


def test_a_token_that_nobody_took_back_is_taken(db_session: Session, token_id: str):
    assert not is_revoked(db_session, token_id, OWNER, token_time(db_session))


def test_a_token_that_was_taken_back_stays_so(db_session: Session, token_id: str):
    given_at = token_time(db_session)
    for _ in range(2):
        revoke_token(db_session, token_id, given_at + HOUR)
    assert is_revoked(db_session, token_id, OWNER, given_at)
    assert not is_revoked(db_session, str(uuid4()), OWNER, given_at)


def test_what_was_given_before_is_taken_back_and_what_comes_after_is_not(db_session: Session, token_id: str):
    before = token_time(db_session)
    revoke_earlier(db_session, OWNER)
    after = token_time(db_session)
    assert [is_revoked(db_session, token_id, OWNER, at) for at in (before, after)] == [True, False]


def test_taking_back_again_reaches_what_was_given_since(db_session: Session, token_id: str):
    revoke_earlier(db_session, OWNER)
    between = token_time(db_session)
    revoke_earlier(db_session, OWNER)
    assert is_revoked(db_session, token_id, OWNER, between)


@pytest.mark.parametrize("other", [Principal(PrincipalKind.STAFF, OWNER.name), Principal(OWNER.kind, "somebody")])
def test_nobody_elses_tokens_are_taken_back(db_session: Session, token_id: str, other: Principal):
    given_at = token_time(db_session)
    revoke_earlier(db_session, OWNER)
    assert not is_revoked(db_session, token_id, other, given_at)


def test_one_statement_asks_for_both(engine: Engine, token_id: str, statements: list[str]):
    with Session(engine) as session:
        is_revoked(session, token_id, OWNER, NOW)
    assert len(statements) == 1


def test_only_what_concerns_ended_tokens_is_forgotten(db_session: Session):
    now = token_time(db_session)
    longest_ago = LONGEST_TOKEN_LIFE + timedelta(days=2)
    db_session.add_all(
        [
            RevokedToken(token_hash="ended", expires_at=now - timedelta(days=2)),
            RevokedToken(token_hash="ended by a clock ahead", expires_at=now - HOUR),
            RevokedToken(token_hash="in use", expires_at=now + HOUR),
            TokensValidAfter(principal_hash="all ended", valid_after=now - longest_ago),
            TokensValidAfter(principal_hash="some in use", valid_after=now - LONGEST_TOKEN_LIFE + HOUR),
        ]
    )
    db_session.flush()
    assert forget_revocations(db_session) == 2
    left = db_session.execute(text("select token_hash from welno.welno_revoked_tokens")).scalars()
    assert set(left) == {"ended by a clock ahead", "in use"}
    [left_after] = db_session.execute(text("select principal_hash from welno.welno_tokens_valid_after")).scalars()
    assert left_after == "some in use"


def test_no_token_outlives_what_is_kept_of_it():
    assert PATIENT_TOKEN_LIFE <= LONGEST_TOKEN_LIFE


@pytest.fixture
def patient(sessions: sessionmaker[Session], make_identity: MakeIdentity) -> UUID:
    with sessions.begin() as session:
        uuid = identify_patient(session, make_identity(), uuid4(), NOW).uuid
    Passwords(sessions, Clock(), HASHES).set(uuid, "592704")
    return uuid


def taken_back(sessions: sessionmaker[Session], patient: UUID, given_at) -> bool:
    with sessions() as session:
        return is_revoked(session, "any", Principal(PrincipalKind.PATIENT, str(patient)), given_at)


def test_a_password_that_changes_during_a_comparison_takes_back_that_token(
    sessions: sessionmaker[Session], patient: UUID
):
    """The old password is found right, and replaced before its token is given."""
    with sessions() as session:
        given_at = token_time(session)
    assert Passwords(sessions, Clock(), HASHES).verify(patient, "592704").is_right
    Passwords(sessions, Clock(), HASHES).reset(patient, "804365")
    assert taken_back(sessions, patient, given_at)


@pytest.mark.parametrize(("password", "is_taken_back"), [("592704", True), ("000000", False)])
def test_only_a_change_that_happens_takes_tokens_back(
    sessions: sessionmaker[Session], patient: UUID, password: str, is_taken_back: bool
):
    with sessions() as session:
        given_at = token_time(session)
    Passwords(sessions, Clock(), HASHES).change(patient, password, "804365")
    assert taken_back(sessions, patient, given_at) is is_taken_back
