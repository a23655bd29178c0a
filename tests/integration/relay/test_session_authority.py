"""Who may go on watching their session, decided for many at once; and the sessions that are watched live on."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import event

from core.clock import clock
from core.names import Status
from models.collection import CollectionRun
from tests.integration.webapp.conftest import app, owner, starter, web_settings  # noqa: F401 fixtures
from tests.integration.webapp.people import Person, arrive, change_run
from webapp.api.collection.session_authority import SessionAuthority
from webapp.current import parts

TTL = timedelta(seconds=1800)


@pytest.fixture
def authority(app: Flask) -> SessionAuthority:  # noqa: F811 a fixture
    return SessionAuthority(parts(app).stores)


def right_of(person: Person) -> tuple[str, str]:
    session_id, _, secret = person.token.partition(".")
    return session_id, secret


def run_of(app: Flask, person: Person) -> CollectionRun:  # noqa: F811 a fixture's name
    with parts(app).stores.sessions() as session:
        run = session.get(CollectionRun, person.session_id)
        assert run is not None
        return run


def events_of(app: Flask, person: Person) -> list[str]:  # noqa: F811 a fixture's name
    events = parts(app).stores.events.read_after(f"tilko_session:{person.session_id}", 0).events
    return [event.body["type"] for event in events]


@contextmanager
def counted_statements(app: Flask) -> Iterator[list[str]]:  # noqa: F811 a fixture's name
    """Those that read or write rows."""
    statements: list[str] = []

    def note(_connection, _cursor, statement, *_args) -> None:
        if statement.lstrip().lower().startswith(("select", "update", "insert", "delete", "with")):
            statements.append(statement)

    engine = parts(app).stores.engine
    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


def test_each_is_answered_for_itself(app: Flask, authority: SessionAuthority):  # noqa: F811 a fixture
    good, expired, ended, cancelled = (arrive(app) for _ in range(4))
    change_run(app, expired.session_id, status=Status.EXPIRED)
    change_run(app, ended.session_id, expires_at=clock.now())
    cancelled.session("DELETE", "")
    guessed = (good.session_id, "guessed")
    unknown = (str(uuid4()), right_of(good)[1])
    rights = [right_of(person) for person in (good, expired, ended, cancelled)]
    codes = authority.review([*rights, guessed, unknown, rights[0]])
    assert codes == [None, 4408, 4408, 4404, 4404, 4404, None]


def test_many_are_one_query(app: Flask, authority: SessionAuthority):  # noqa: F811 a fixture
    people = [arrive(app) for _ in range(8)]
    with counted_statements(app) as statements:
        assert authority.review([right_of(person) for person in people]) == [None] * 8
    assert len(statements) == 1


def test_redis_opens_nothing(app: Flask, authority: SessionAuthority, starter: Person):  # noqa: F811 fixtures
    right = right_of(starter)
    with parts(app).stores.sessions.begin() as session:
        session.get_one(CollectionRun, starter.session_id).token_hash = None
    assert parts(app).stores.redis.exists(f"tilko_session:{starter.session_id}")
    assert authority.review([right]) == [4404]


def test_those_watched_are_renewed_together_and_in_silence(app: Flask, authority: SessionAuthority):  # noqa: F811
    with clock.frozen(clock.now()):
        people = [arrive(app) for _ in range(10)]
        clock.advance(TTL * 0.45)
        with counted_statements(app) as statements:
            authority.review([right_of(person) for person in people])
        renewed = {run_of(app, person).expires_at for person in people}
    assert renewed == {run_of(app, people[0]).created_at + TTL * 1.45}
    assert len(statements) == 2
    assert [events_of(app, person) for person in people] == [[]] * 10


def test_the_copy_in_redis_follows_a_renewal(app: Flask, authority: SessionAuthority, starter: Person):  # noqa: F811
    with clock.frozen(clock.now()):
        clock.advance(TTL * 0.45)
        authority.review([right_of(starter)])
        view = parts(app).stores.directory.read(starter.session_id)
    assert view is not None
    assert view.expires_at == run_of(app, starter).expires_at


def test_a_right_after_the_start_costs_no_renewal(app: Flask, authority: SessionAuthority, starter: Person):  # noqa: F811
    before = run_of(app, starter)
    authority.review([right_of(starter)])
    assert run_of(app, starter).revision == before.revision


def test_who_was_close_to_the_end_is_told(app: Flask, authority: SessionAuthority):  # noqa: F811 a fixture
    with clock.frozen(clock.now()):
        close, far = arrive(app), arrive(app)
        clock.advance(TTL * 0.3)
        change_run(app, far.session_id, expires_at=clock.now() + TTL)
        clock.advance(TTL * 0.5)
        authority.review([right_of(close), right_of(far)])
        assert run_of(app, close).expires_at == run_of(app, far).expires_at == clock.now() + TTL
    assert (events_of(app, close), events_of(app, far)) == (["session_extended"], [])


def test_of_a_completed_session_nobody_is_told(app: Flask, authority: SessionAuthority, starter: Person):  # noqa: F811
    with clock.frozen(clock.now()):
        change_run(app, starter.session_id, status=Status.COMPLETED, expires_at=clock.now() + TTL * 0.1)
        authority.review([right_of(starter)])
        assert run_of(app, starter).expires_at == clock.now() + TTL
    assert events_of(app, starter) == []


def test_nobody_is_renewed_beyond_the_longest_time(app: Flask, authority: SessionAuthority, starter: Person):  # noqa: F811
    started = run_of(app, starter).created_at
    with clock.frozen(clock.now()):
        for _ in range(40):
            clock.advance(TTL * 0.45)
            authority.review([right_of(starter)])
    left = started + timedelta(seconds=14_400) - run_of(app, starter).expires_at
    assert timedelta(0) <= left <= TTL * 0.4
