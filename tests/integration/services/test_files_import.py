"""From pending/ into the database: each file once, and each failure with a way out of it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, create_engine, event, func, select, text
from sqlalchemy.orm import Session, sessionmaker

from core.clock import Clock
from core.sealing import Sealer
from dev.local.ports import LOOPBACK, pick_port
from models.patients import Checkup, ConsentKind, Patient
from services.collection.abandoned_answers import remove_abandoned
from services.collection.files_import import FileImporter, ImportInterrupted, RetryPolicy
from services.database import connect_database
from services.patients.consent_texts import ConsentText
from services.patients.consents import Consents, record_consents
from services.patients.identification import identify_patient
from spool import AnswerKind, DataType, Disk, Folder, KeptAnswer, Package, Spool, StorageFault

from .conftest import NOW, PSEUDONYM_KEY, MakeIdentity, MakePackages, checkup, treatment

P, H, R = DataType.PATIENT, DataType.HEALTH, DataType.PRESCRIPTION


class FailingDisk(Disk):
    """Refuses to move files while `broken`."""

    broken = False

    def rename(self, source: Path, target: Path) -> None:
        if self.broken:
            raise OSError(5, "an invented fault")
        super().rename(source, target)


@pytest.fixture
def clock() -> Iterator[Clock]:
    with Clock().frozen(NOW) as clock:
        yield clock


@pytest.fixture
def disk() -> FailingDisk:
    return FailingDisk()


@pytest.fixture
def spool(tmp_path: Path, clock: Clock, disk: FailingDisk) -> Spool:
    spool = Spool(tmp_path, Sealer({"k1": bytes(32)}), clock, disk)
    spool.ensure_folders()
    return spool


@pytest.fixture
def importer(spool: Spool, sessions: sessionmaker[Session], clock: Clock) -> FileImporter:
    return FileImporter(spool, sessions, clock)


def put(spool: Spool, packages: list[Package]) -> str:
    for package in packages:
        spool.put_pending(package)
    return packages[0].metadata.session_id


def agree_and_withdraw(sessions: sessionmaker[Session], make_identity: MakeIdentity, session_id: str) -> None:
    texts = {kind: ConsentText(kind, "1", kind) for kind in ConsentKind}
    consents = Consents(texts, valid_for=timedelta(days=1), pseudonym_key=PSEUDONYM_KEY)
    with sessions.begin() as session:
        patient = identify_patient(session, make_identity(), uuid4(), NOW)
        given = consents.agree(make_identity(), list(ConsentKind), wants_report=False, now=NOW)
        record_consents(session, UUID(session_id), given)
        consents.withdraw(session, patient, ConsentKind.SENSITIVE)


def test_what_waits_to_be_imported_is_parked_after_a_withdrawal(
    spool: Spool,
    importer: FileImporter,
    sessions: sessionmaker[Session],
    make_packages: MakePackages,
    make_identity: MakeIdentity,
    clock: Clock,
):
    session_id = put(spool, make_packages(health=[checkup()], prescriptions=[treatment()]))
    agree_and_withdraw(sessions, make_identity, session_id)
    clock.advance(timedelta(hours=1))
    assert importer.retry_due().files_imported == 0
    files = spool.names_of(session_id)
    assert [(info.folder, info.parked, info.last_error) for info in files] == [
        (Folder.FAILED, True, "consent_withdrawn")
    ] * 3
    assert count_checkups(sessions) == 0


def folders(spool: Spool, session_id: str) -> dict[DataType, Folder]:
    return {info.data_type: info.folder for info in spool.names_of(session_id)}


def count_checkups(sessions: sessionmaker[Session]) -> int:
    with sessions() as session:
        return session.scalars(select(func.count()).select_from(Checkup)).one()


def test_a_session_is_imported_and_its_files_completed(
    spool: Spool, importer: FileImporter, make_packages: MakePackages
) -> None:
    session_id = put(spool, make_packages(health=[checkup()], prescriptions=[treatment()]))
    summary = importer.import_session(session_id)
    assert summary.is_complete
    assert {kind: result.inserted for kind, result in summary.imported.items()} == {P: 1, H: 1, R: 1}
    assert set(folders(spool, session_id).values()) == {Folder.COMPLETED}


def test_a_second_import_finds_it_done(spool: Spool, importer: FileImporter, make_packages: MakePackages) -> None:
    session_id = put(spool, make_packages(health=[checkup()]))
    importer.import_session(session_id)
    again = importer.import_session(session_id)
    assert (again.imported, again.completed_before, again.is_complete) == ({}, (P, H), True)


def test_a_crash_between_commit_and_move_heals(
    spool: Spool,
    importer: FileImporter,
    disk: FailingDisk,
    sessions: sessionmaker[Session],
    make_packages: MakePackages,
) -> None:
    session_id = put(spool, make_packages(health=[checkup()]))
    disk.broken = True
    with pytest.raises(StorageFault):
        importer.import_session(session_id)
    disk.broken = False
    assert folders(spool, session_id) == {P: Folder.PENDING, H: Folder.PENDING}
    assert importer.import_session(session_id).imported[P].inserted == 0
    assert count_checkups(sessions) == 1


def test_without_a_database_the_file_waits_uncounted(spool: Spool, clock: Clock, make_packages: MakePackages) -> None:
    engine = create_engine(f"postgresql+psycopg2://welno@{LOOPBACK}:{pick_port()}/welno")
    session_id = put(spool, make_packages())
    with pytest.raises(ImportInterrupted):
        FileImporter(spool, sessionmaker(engine), clock).import_session(session_id)
    (info,) = spool.names_of(session_id)
    assert (info.folder, info.retry_count) == (Folder.PENDING, 0)


def test_a_cut_connection_is_no_fault_of_the_file(
    spool: Spool, clock: Clock, engine: Engine, make_packages: MakePackages
) -> None:
    class Cut(Session):
        def get(self, *_: Any, **__: Any) -> Any:
            return self.execute(select(func.pg_terminate_backend(func.pg_backend_pid())))

    session_id = put(spool, make_packages())
    with pytest.raises(ImportInterrupted):
        FileImporter(spool, sessionmaker(engine, class_=Cut), clock).import_session(session_id)
    assert folders(spool, session_id) == {P: Folder.PENDING}


def test_a_database_that_takes_no_writes_is_no_fault_of_the_file(
    spool: Spool, clock: Clock, engine: Engine, make_packages: MakePackages
) -> None:
    class Standby(Session):
        def get(self, *_: Any, **__: Any) -> Any:
            self.execute(text("set transaction read only"))
            return self.execute(text("create table public.written (number int)"))

    behind = connect_database(engine.url.render_as_string(hide_password=False), pool_size=1)
    session_id = put(spool, make_packages())
    with pytest.raises(ImportInterrupted):
        FileImporter(spool, sessionmaker(behind, class_=Standby), clock).import_session(session_id)
    behind.dispose()
    assert folders(spool, session_id) == {P: Folder.PENDING}


def test_records_without_their_patient_are_retried_later(
    spool: Spool, importer: FileImporter, clock: Clock, make_packages: MakePackages
) -> None:
    patient, health = make_packages(health=[checkup()])
    session_id = put(spool, [health])
    summary = importer.import_session(session_id)
    assert (summary.waiting, summary.next_retry_at) == ((H,), NOW + timedelta(seconds=60))
    assert spool.names_of(session_id)[0].last_error == "patient_missing"
    spool.put_pending(patient)
    clock.advance(timedelta(seconds=61))
    assert importer.import_session(session_id).is_complete


def test_a_failed_file_is_left_alone_until_it_is_due(
    spool: Spool, importer: FileImporter, make_packages: MakePackages
) -> None:
    session_id = put(spool, make_packages(health=[checkup()])[1:])
    importer.import_session(session_id)
    assert importer.import_session(session_id).waiting == (H,)
    assert spool.names_of(session_id)[0].retry_count == 1


def test_three_retries_with_growing_pauses_then_parked(
    spool: Spool, importer: FileImporter, clock: Clock, make_packages: MakePackages
) -> None:
    session_id = put(spool, make_packages(health=[checkup()])[1:])
    importer.import_session(session_id)
    for pause in (60, 600, 3600):
        clock.advance(timedelta(seconds=pause - 1))
        assert importer.retry_due().sessions == 0
        clock.advance(timedelta(seconds=1))
        assert importer.retry_due().sessions == 1
    summary = importer.import_session(session_id)
    assert (summary.parked, summary.waiting, summary.is_complete) == ((H,), (), False)


def test_an_operators_retry_gives_a_parked_file_another_try(
    spool: Spool, sessions: sessionmaker[Session], clock: Clock, make_packages: MakePackages
) -> None:
    importer = FileImporter(spool, sessions, clock, RetryPolicy(delays_seconds=()))
    patient, health = make_packages(health=[checkup()])
    session_id = put(spool, [health])
    assert importer.import_session(session_id).parked == (H,)
    put(spool, [patient])
    importer.import_session(session_id)
    result = importer.import_file(next(info.name for info in spool.names_of(session_id) if info.parked))
    assert result is not None
    assert folders(spool, session_id) == {P: Folder.COMPLETED, H: Folder.COMPLETED}


def test_a_damaged_file_is_parked_and_never_imported(
    spool: Spool, importer: FileImporter, sessions: sessionmaker[Session], tmp_path: Path, make_packages: MakePackages
) -> None:
    session_id = put(spool, make_packages(health=[checkup()]))
    name = spool.names_of(session_id)[1].name
    path = tmp_path / "pending" / name
    path.write_bytes(path.read_bytes()[:-5])
    summary = importer.import_session(session_id)
    assert (summary.parked, list(summary.imported)) == ((H,), [P])
    assert spool.describe(name).last_error == "damaged_truncated"
    assert count_checkups(sessions) == 0


def test_an_unusable_file_is_parked_at_once(spool: Spool, importer: FileImporter, make_packages: MakePackages) -> None:
    patient, health = make_packages(health=[])
    session_id = put(spool, [patient, Package(health.metadata, {"Status": "OK"})])
    assert importer.import_session(session_id).parked == (H,)
    assert spool.names_of(session_id)[1].last_error == "no_result_list"


def test_what_the_database_refuses_fails_with_its_code_alone(
    spool: Spool, importer: FileImporter, make_packages: MakePackages
) -> None:
    session_id = put(spool, make_packages(gender="X"))
    assert importer.import_session(session_id).waiting == (P,)
    assert spool.names_of(session_id)[0].last_error == "database_23514"


def test_a_file_that_trips_us_is_set_aside(
    spool: Spool, engine: Engine, clock: Clock, make_packages: MakePackages
) -> None:
    class Tripping(Session):
        def get(self, *_: Any, **__: Any) -> Any:
            raise RuntimeError("an invented mistake about 김하늘")

    session_id = put(spool, make_packages())
    summary = FileImporter(spool, sessionmaker(engine, class_=Tripping), clock).import_session(session_id)
    assert summary.waiting == (P,)
    assert spool.names_of(session_id)[0].last_error == "unexpected_runtimeerror"


def test_a_file_in_other_hands_is_left_to_them(
    spool: Spool, importer: FileImporter, make_packages: MakePackages
) -> None:
    session_id = put(spool, make_packages(health=[checkup()]))
    with spool.claim(spool.names_of(session_id)[0].name):
        summary = importer.import_session(session_id)
    assert (summary.imported, summary.waiting) == ({}, (P, H))
    assert spool.names_of(session_id)[1].retry_count == 0
    assert importer.import_session(session_id).is_complete


def test_beat_imports_forgotten_files_once_they_are_old(
    spool: Spool, importer: FileImporter, clock: Clock, make_packages: MakePackages
) -> None:
    session_id = put(spool, make_packages(health=[checkup()]))
    assert importer.retry_due(orphan_seconds=300).sessions == 0
    clock.advance(timedelta(seconds=301))
    assert importer.retry_due(orphan_seconds=300).files_imported == 2
    assert set(folders(spool, session_id).values()) == {Folder.COMPLETED}


def test_a_retry_lists_incoming_once(
    spool: Spool, importer: FileImporter, clock: Clock, sessions: sessionmaker[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a bucket a listing costs requests, and one more for each answer."""
    spool.put_incoming(str(uuid4()), AnswerKind.HEALTH, KeptAnswer(b"{}"))
    clock.advance(timedelta(seconds=301))
    listed, names = [], spool.storage.names
    monkeypatch.setattr(spool.storage, "names", lambda folder: listed.append(folder.name) or names(folder))
    importer.retry_due()
    assert "incoming" not in listed
    remove_abandoned(spool, sessions, clock.now(), older_than_seconds=300, retry_delays_seconds=(600,))
    assert listed.count("incoming") == 1


def test_beat_stops_quietly_without_a_database(spool: Spool, clock: Clock, make_packages: MakePackages) -> None:
    engine = create_engine(f"postgresql+psycopg2://welno@{LOOPBACK}:{pick_port()}/welno")
    put(spool, make_packages())
    clock.advance(timedelta(seconds=301))
    assert FileImporter(spool, sessionmaker(engine), clock).retry_due().interrupted


def test_beat_stops_quietly_behind_a_pooler_that_drops_our_options(
    spool: Spool, clock: Clock, engine: Engine, make_packages: MakePackages
) -> None:
    behind = connect_database(engine.url.render_as_string(hide_password=False), pool_size=1)

    @event.listens_for(behind, "do_connect")
    def drop_options(_dialect: Any, _record: Any, _arguments: Any, options: dict[str, Any]) -> None:
        del options["options"]

    put(spool, make_packages())
    clock.advance(timedelta(seconds=301))
    assert FileImporter(spool, sessionmaker(behind), clock).retry_due().interrupted
    behind.dispose()


def test_beat_goes_on_after_a_disk_fault(
    spool: Spool,
    importer: FileImporter,
    disk: FailingDisk,
    sessions: sessionmaker[Session],
    make_packages: MakePackages,
) -> None:
    put(spool, make_packages(user_name="이바다"))
    put(spool, make_packages())
    importer._clock.advance(timedelta(seconds=301))
    disk.broken = True
    assert importer.retry_due().sessions == 2
    with sessions() as session:
        assert session.scalar(select(func.count()).select_from(Patient)) == 2
