"""The access log: append-only, chained, sealed under a key per patient, kept in days."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, delete, event, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session, sessionmaker

from core.derived_keys import Purpose, derive_key
from core.sealing import Sealer, key_id_of
from models.patients import AccessedWhat, AccessEntry, ActorKind, Patient
from services.patients.access_chain import ChainBreak, chain_key, check_day, first_hash, known_days
from services.patients.access_days import keep_access_days
from services.patients.access_log import AccessLog, Actor, Look
from services.patients.identification import identify_patient
from tests.tables import delete_all_rows
from tests.waiting import wait_until_blocked

from .conftest import NOW, PSEUDONYM_KEY, MakeIdentity

DAY = NOW.date()
LOG = AccessLog(Sealer({"k": bytes(range(32))}), PSEUDONYM_KEY)
ADDRESS, REASON = "203.0.113.77", "전화로 문의하셔서"
STAFF = Actor(ActorKind.STAFF, "op-1", ADDRESS, "operator")
CHANGES = [
    "update welno.welno_access_log set what = 'report'",
    "delete from welno.welno_access_log",
    "truncate welno.welno_access_log",
    "update welno_log.access_other set what = 'report'",
    "delete from welno_log.access_other",
    "truncate welno_log.access_other",
]


@pytest.fixture
def patient(engine: Engine, sessions: sessionmaker[Session], make_identity: MakeIdentity) -> Iterator[UUID]:
    identity = make_identity()
    with sessions.begin() as session:
        uuid = identify_patient(session, identity, identity.derive_uuid(PSEUDONYM_KEY), NOW).uuid
    yield uuid
    with engine.begin() as connection:
        delete_all_rows(connection)
        days = connection.execute(text("select tablename from pg_tables where tablename like 'access\\_2%'")).scalars()
        for name in days.all():
            connection.execute(text(f"drop table welno_log.{name}"))


@pytest.fixture
def look(sessions: sessionmaker[Session], patient: UUID) -> Callable[..., None]:
    def write(count: int = 1, at: datetime = NOW) -> None:
        for _ in range(count):
            with sessions.begin() as session:
                LOG.record(session, Look(STAFF, AccessedWhat.CHECKUPS, patient, reason=REASON), at)

    return write


def check(sessions: sessionmaker[Session], day: date = DAY) -> ChainBreak | None:
    with sessions() as session:
        return check_day(session, chain_key(PSEUDONYM_KEY), day, date.min).broken


@pytest.mark.parametrize("role", ["origin", "replica"])
@pytest.mark.parametrize("change", CHANGES)
def test_postgresql_refuses_to_change_the_log_also_for_its_owner(look, engine: Engine, change: str, role: str):
    look()
    with engine.begin() as connection:
        connection.execute(text(f"set local session_replication_role = {role}"))
        with pytest.raises(ProgrammingError, match="append-only"):
            connection.execute(text(change))


@pytest.mark.parametrize("change", CHANGES)
def test_an_owner_who_is_no_superuser_has_not_even_the_right(look, engine: Engine, change: str):
    look()
    with engine.connect() as connection:
        connection.execute(text("create role plain"))
        connection.execute(text("grant usage on schema welno, welno_log to plain"))
        connection.execute(text("grant select, insert on welno.welno_access_log, welno_log.access_other to plain"))
        connection.execute(text("set local role plain"))
        with pytest.raises(ProgrammingError, match="permission denied"):
            connection.execute(text(change))
        connection.rollback()


@pytest.mark.parametrize("role", ["origin", "replica"])
def test_a_day_of_its_own_refuses_changes_too(look, sessions: sessionmaker[Session], engine: Engine, role: str):
    with sessions.begin() as session:
        keep_access_days(session, DAY, 730)
    look()
    name = f"welno_log.access_{DAY:%Y%m%d}"
    for change in (f"update {name} set what = 'report'", f"delete from {name}", f"truncate {name}"):
        with engine.begin() as connection:
            connection.execute(text(f"set local session_replication_role = {role}"))
            with pytest.raises(ProgrammingError, match="append-only"):
                connection.execute(text(change))
    with engine.begin() as connection:
        assert connection.execute(text(f"select count(*) from {name}")).scalar_one() == 1


def test_looks_of_many_at_once_make_one_chain_without_a_hole(sessions: sessionmaker[Session], look):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: look(5), range(8)))
    with sessions() as session:
        checked = check_day(session, chain_key(PSEUDONYM_KEY), DAY, date.min)
    assert (checked.entries, checked.broken) == (40, None)


def test_a_look_that_is_rolled_back_leaves_no_hole(sessions: sessionmaker[Session], look, patient: UUID):
    look()
    with sessions() as session:
        LOG.record(session, Look(STAFF, AccessedWhat.REPORT, patient), NOW)
        session.rollback()
    look()
    assert check(sessions) is None


@pytest.mark.parametrize(
    ("tampering", "seq", "why"),
    [
        ("update welno.welno_access_log set what = 'report' where seq = 2", 2, "the entry was changed"),
        ("update welno.welno_access_log set at = at + interval '1 second' where seq = 3", 3, "the entry was changed"),
        ("update welno.welno_access_log set sealed = 'x' where seq = 1", 1, "the entry was changed"),
        ("update welno.welno_access_log set subject = null where seq = 1", 1, "the entry was changed"),
        ("delete from welno.welno_access_log where seq = 2", 2, "the entry is missing"),
        ("delete from welno.welno_access_log where seq = 4", 4, "the chain goes on here, but its entry is missing"),
        ("delete from welno.welno_access_log", 1, "the chain goes on here, but its entry is missing"),
        (
            "update welno.welno_access_log set previous_hash = '' where seq = 3",
            3,
            "the entry does not follow the one before it",
        ),
    ],
)
def test_who_changes_the_log_as_superuser_breaks_its_chain_there(
    sessions: sessionmaker[Session], look, engine: Engine, tampering: str, seq: int, why: str
):
    look(4)
    assert check(sessions) is None
    with engine.begin() as connection:
        connection.execute(text("alter table welno.welno_access_log disable trigger append_only"))
        connection.execute(text(tampering))
        connection.execute(text("alter table welno.welno_access_log enable always trigger append_only"))
    assert check(sessions) == ChainBreak(DAY, seq, why)


def test_each_day_has_a_chain_of_its_own(sessions: sessionmaker[Session], look):
    look(2)
    look(3, NOW + timedelta(days=1))
    with sessions() as session:
        days = {day: check_day(session, chain_key(PSEUDONYM_KEY), day, date.min).entries for day in known_days(session)}
    assert days == {DAY: 2, DAY + timedelta(days=1): 3}
    assert check(sessions, DAY + timedelta(days=1)) is None


CUT_TAIL = """
    delete from welno.welno_access_log where day = :day and seq > 1;
    update welno.welno_access_days as head set last_seq = 1, last_hash = entry.entry_hash
    from welno.welno_access_log as entry where head.day = :day and entry.day = :day
"""
TAKEN_AWAY = "delete from welno.welno_access_log where day = :day; delete from welno.welno_access_days where day = :day"
FORGED = "update welno.welno_access_days set previous_day = null, previous_seq = null, previous_hash = null"


@pytest.mark.parametrize("tampering", [CUT_TAIL, TAKEN_AWAY], ids=["tail", "day"])
def test_what_is_taken_from_a_days_end_or_as_a_whole_is_missed_by_the_next_day(
    sessions: sessionmaker[Session], look, engine: Engine, tampering: str
):
    for days in (0, 2, 5):
        look(3, NOW + timedelta(days=days))
    taken, follower = (DAY + timedelta(days=days) for days in (2, 5))
    with engine.begin() as connection:
        connection.execute(text("alter table welno.welno_access_log disable trigger append_only"))
        connection.execute(text(tampering), {"day": taken})
        connection.execute(text("alter table welno.welno_access_log enable always trigger append_only"))
    why = f"{follower} follows it, but the entry is missing, or another"
    assert check(sessions, follower) == ChainBreak(taken, 3, why)
    assert check(sessions) is None
    with sessions() as session:  # dropped by its age, nobody misses it
        assert check_day(session, chain_key(PSEUDONYM_KEY), follower, follower).broken is None
    with engine.begin() as connection:
        connection.execute(text(FORGED))
    assert check(sessions, follower) == ChainBreak(follower, 1, "the entry does not follow the one before it")


def test_a_day_that_the_version_before_began_is_whole(sessions: sessionmaker[Session], look, engine: Engine):
    look(1)
    with engine.begin() as connection:
        first = first_hash(chain_key(PSEUDONYM_KEY), DAY + timedelta(days=1), None)
        begin = "insert into welno.welno_access_days (day, last_seq, last_hash) values (:day, 0, :first)"
        connection.execute(text(begin), {"day": DAY + timedelta(days=1), "first": first})
    look(2, NOW + timedelta(days=1))
    assert check(sessions, DAY + timedelta(days=1)) is None


def test_neither_name_nor_address_nor_reason_stands_there_in_clear(look, engine: Engine, patient: UUID):
    look()
    with engine.connect() as connection:
        row = connection.execute(text("select * from welno.welno_access_log")).one()
    whole = f"{row} {bytes(row.sealed)!r}"
    assert not [word for word in ("op-1", ADDRESS, REASON, str(patient), patient.hex) if word in whole]


def test_the_patients_key_opens_address_and_reason(sessions: sessionmaker[Session], look, patient: UUID):
    look()
    with sessions() as session:
        [shown], _ = LOG.list_looks_at(session, patient, limit=10)
    assert (shown.address, shown.reason, shown.actor_kind, shown.what) == (
        ADDRESS,
        REASON,
        ActorKind.STAFF,
        AccessedWhat.CHECKUPS,
    )


def test_without_the_patient_nothing_opens_and_the_chain_holds(sessions: sessionmaker[Session], look, patient: UUID):
    look(2)
    with sessions.begin() as session:
        session.execute(delete(Patient).where(Patient.uuid == patient))
        LOG.record(session, Look(STAFF, AccessedWhat.ERASURE, patient, reason=REASON), NOW)
    with sessions() as session:
        shown, _ = LOG.list_looks_at(session, patient, limit=10)
        assert session.execute(text("select count(*) from welno.welno_patient_keys")).scalar_one() == 0
    assert [(one.address, one.reason) for one in shown] == [(None, None)] * 3
    assert check(sessions) is None


def test_a_look_at_nobody_needs_no_sealing_key_that_is_replaced(sessions: sessionmaker[Session], patient: UUID):
    """An auditor who lists a day: the entry cannot be sealed anew."""
    with sessions.begin() as session:
        LOG.record(session, Look(STAFF, AccessedWhat.ACCESS_LOG, reason=REASON), NOW)
    with sessions() as session:
        entry = session.query(AccessEntry).filter_by(subject=None).one()
    assert key_id_of(bytes(entry.sealed)) == "nobody"
    own = Sealer({"nobody": derive_key(PSEUDONYM_KEY.encode(), Purpose.ACCESS_OF_NOBODY)})
    assert ADDRESS.encode() in own.open(bytes(entry.sealed), "access/None")


def test_pages_follow_each_other_newest_first(sessions: sessionmaker[Session], look, patient: UUID):
    look(2)
    look(3, NOW + timedelta(days=1))
    pages, after = [], None
    while not pages or after is not None:
        with sessions() as session:
            shown, after = LOG.list_looks_at(session, patient, after=after, limit=2)
        pages.append([(one.day.day - DAY.day, one.seq) for one in shown])
    assert pages == [[(1, 3), (1, 2)], [(1, 1), (0, 2)], [(0, 1)]]


def test_old_days_are_dropped_with_the_ends_of_their_chains(sessions: sessionmaker[Session], look, engine: Engine):
    long_ago = datetime(2020, 1, 1, 12, tzinfo=UTC)
    with sessions.begin() as session:
        keep_access_days(session, long_ago.date(), 730)
    look(2, long_ago)
    look(1, long_ago + timedelta(days=30))  # a day without a partition
    look(1)
    with sessions.begin() as session:
        keep_access_days(session, (long_ago + timedelta(days=731)).date(), 730)
    with sessions() as session:
        assert known_days(session) == [long_ago.date() + timedelta(days=30), DAY]
        keep_access_days(session, DAY + timedelta(days=800), 730)
        session.commit()
        assert known_days(session) == []
    with engine.begin() as connection, pytest.raises(ProgrammingError, match="append-only"):
        connection.execute(text("truncate welno_log.access_other"))


def test_a_look_that_lands_while_its_day_is_made_stays(sessions: sessionmaker[Session], engine: Engine, patient: UUID):
    at = datetime(2035, 5, 5, 12, tzinfo=UTC)

    def keep() -> None:
        with sessions.begin() as session:
            keep_access_days(session, at.date(), 730)

    with ThreadPoolExecutor(1) as pool, sessions() as session:
        LOG.record_all(session, [Look(STAFF, AccessedWhat.SESSIONS, patient)], at)
        kept = pool.submit(keep)
        wait_until_blocked(engine)
        session.commit()
        kept.result()
    made = text("select tablename from pg_tables where tablename like 'access\\_2035%' order by 1")
    with sessions() as session:
        assert list(session.scalars(made)) == [f"access_203505{day:02}" for day in range(6, 13)]
        assert known_days(session) == [at.date()]


def test_of_several_looks_all_keys_are_made_before_the_day_is_taken(
    sessions: sessionmaker[Session], patient: UUID, make_identity: MakeIdentity, engine: Engine
):
    """A key is made under its patient's lock: whoever waits for one holds no day, for which all others wait."""
    sent = list[str]()

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(" ".join(statement.split()))

    with sessions.begin() as session:
        identity = make_identity(phone_no="01099998888")
        other = identify_patient(session, identity, identity.derive_uuid(PSEUDONYM_KEY), NOW).uuid
        event.listen(engine, "before_cursor_execute", note)
        try:
            LOG.record_all(session, [Look(STAFF, AccessedWhat.SESSIONS, one) for one in (patient, other)], NOW)
        finally:
            event.remove(engine, "before_cursor_execute", note)
    keys = [at for at, statement in enumerate(sent) if "insert into welno.welno_patient_keys" in statement.lower()]
    days = [at for at, statement in enumerate(sent) if "welno_access_days" in statement]
    assert len(keys) == 2
    assert max(keys) < min(days)
    assert check(sessions) is None
