"""The clock of a process follows the database's, before anything is decided by it."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from core.clock import Clock
from core.settings import Settings
from services.stores import build_stores


def test_who_asks_for_the_time_within_a_unit_goes_by_the_databases_clock(demo_env):
    clock = Clock()
    with closing(build_stores(Settings.read(demo_env), clock, lambda _: None)) as stores:
        assert clock.wants_reading()
        with stores.unit_of_work():
            assert not clock.wants_reading()


def test_a_host_whose_clock_is_an_hour_off_has_the_databases_time(demo_env, monkeypatch):
    clock = Clock()
    wrong = datetime.now(UTC) - timedelta(hours=1)
    monkeypatch.setattr("core.clock.datetime", _Stopped(wrong))
    with closing(build_stores(Settings.read(demo_env), clock, lambda _: None)) as stores:
        assert clock.now() == wrong
        with stores.sessions() as session:
            said = session.execute(text("select clock_timestamp()")).scalar_one()
        assert abs(clock.now() - said) < timedelta(seconds=2)


def test_a_connection_in_use_is_asked_again_in_time(demo_env, monkeypatch):
    clock = Clock()
    with closing(build_stores(Settings.read(demo_env), clock, lambda _: None)) as stores:
        with stores.sessions() as session:
            session.connection()
        monkeypatch.setattr("services.database._BELIEVED_SECONDS", 3600)
        monkeypatch.setattr("core.clock._READ_AGAIN_SECONDS", -1)
        before = clock._read_at
        with stores.sessions() as session:
            session.connection()
        assert clock._read_at > before


class _Stopped:
    """Stands for `datetime`, on a host whose clock is wrong."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self, _zone: object) -> datetime:
        return self._at
