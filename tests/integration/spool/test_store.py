"""What the spool promises while nothing goes wrong."""

import stat
import tracemalloc
from datetime import timedelta
from pathlib import Path

import pytest

from core.clock import Clock
from spool import (
    AnswerKind,
    DataType,
    DifferentContent,
    FileNotParked,
    FileTaken,
    KeptAnswer,
    Metadata,
    Package,
    Spool,
    StorageFault,
    UnfitPackage,
    UnknownFile,
)
from tests.integration.spool.conftest import NOW, OTHER, SESSION, complete, package

CANARY = "김하늘카나리아"
ODD_IDS = ["../../etc/passwd", "", SESSION.upper(), SESSION.replace("-", ""), f"{SESSION}/", f"{SESSION}\n", "한글"]


def _types(spool: Spool) -> list[str]:
    return [name.split("_", 2)[2] for name in spool.list_pending()]


def test_package_comes_back_as_it_was_saved(spool: Spool) -> None:
    records = {"나": [1, 2.5, None, True, -0.0, 10**18], "가": {"b": "\u2028", "a": ""}}
    with spool.claim(spool.put_pending(package(raw=records))) as claimed:
        assert claimed.package.raw_data == records
        assert claimed.package.metadata == package().metadata


def test_claim_shows_the_tries_so_far(spool: Spool) -> None:
    name = spool.put_pending(package())
    spool.fail(name, "import_refused")
    spool.requeue(name)
    with spool.claim(name) as claimed:
        metadata = claimed.package.metadata
    assert (metadata.status, metadata.retry_count, metadata.last_error) == ("pending", 1, "import_refused")


def test_nothing_readable_lies_on_disk(spool: Spool) -> None:
    spool.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(CANARY.encode()))
    spool.put_pending(package(raw={"name": CANARY}))
    stored = [path.read_bytes() for path in spool.storage.root.rglob("*") if path.is_file()]
    assert len(stored) == 2
    assert not any(CANARY.encode() in content for content in stored)
    assert CANARY not in repr(package(raw={"name": CANARY}))


def test_files_and_folders_are_for_the_owner_only(spool: Spool) -> None:
    spool.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(b"{}"))
    spool.fail(spool.put_pending(package()), "import_refused")
    complete(spool, spool.put_pending(package(DataType.PATIENT)))
    for path in [spool.storage.root, *spool.storage.root.rglob("*")]:
        if not path.is_symlink():
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_folders_that_were_open_are_closed(spool: Spool) -> None:
    pending = spool.storage.root / "pending"
    pending.chmod(0o755)
    spool.ensure_folders()
    assert stat.S_IMODE(pending.stat().st_mode) == 0o700


def test_name_follows_the_agreed_form(spool: Spool) -> None:
    assert spool.put_pending(package()) == f"20261121T030405678901Z_{SESSION}_health_data.json"


@pytest.mark.parametrize("where", ["pending", "failed", "completed"])
def test_second_save_returns_the_first_name(spool: Spool, clock: Clock, where: str) -> None:
    name = spool.put_pending(package())
    if where == "failed":
        spool.fail(name, "import_refused")
    if where == "completed":
        complete(spool, name)
    clock.advance(timedelta(days=3))
    assert spool.put_pending(package()) == name
    assert [info.folder for info in spool.names_of(SESSION)] == [where]


def test_second_save_with_other_content_is_refused(spool: Spool) -> None:
    name = spool.put_pending(package())
    with pytest.raises(DifferentContent):
        spool.put_pending(package(raw={"other": 1}))
    assert spool.export(name).raw_data == package().raw_data


@pytest.mark.parametrize("raw", [{1: 2}, {"big": 2**70}, {"set": {1}}, {"text": "\ud800"}])
def test_what_is_not_json_is_refused(spool: Spool, raw: object) -> None:
    with pytest.raises(UnfitPackage):
        spool.put_pending(package(raw=raw))
    assert spool.list_pending() == []


def test_naive_time_is_refused(spool: Spool) -> None:
    metadata = Metadata(SESSION, DataType.HEALTH, "uuid", "PEERNINE", NOW.replace(tzinfo=None))
    with pytest.raises(UnfitPackage):
        spool.put_pending(Package(metadata, {}))


def test_patient_comes_first_even_if_saved_last(spool: Spool, clock: Clock) -> None:
    for data_type in reversed(DataType):
        spool.put_pending(package(data_type))
        clock.advance(timedelta(seconds=9))
    assert _types(spool) == ["patient_data.json", "health_data.json", "prescription_data.json"]
    assert [info.data_type for info in spool.names_of(SESSION)] == list(DataType)


def test_older_sessions_come_first(spool: Spool, clock: Clock) -> None:
    first = spool.put_pending(package())
    clock.advance(timedelta(seconds=1))
    second = spool.put_pending(package(session_id=OTHER))
    assert spool.list_pending() == [first, second]
    assert spool.list_pending(limit=1) == [first]


def test_listing_ignores_what_is_not_ours(spool: Spool) -> None:
    for name in ("notes.txt", ".tmp-1-abc", f"x_{SESSION}_health_data.json", "20261121T030405678901Z_x_y.json"):
        (spool.storage.root / "pending" / name).touch()
    assert spool.list_pending() == []
    assert spool.counts()["pending"] == 0


def test_listing_many_files_needs_little_memory(spool: Spool) -> None:
    for number in range(20_000):
        Path(spool.storage.root, "pending", f"20261121T030405{number:06}Z_{SESSION}_health_data.json").touch()
    tracemalloc.start()
    names = spool.list_pending(limit=100)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(names), names[0][15:21]) == (100, "000000")
    assert peak < 300_000


@pytest.mark.parametrize("session_id", ODD_IDS)
def test_odd_session_ids_never_become_paths(spool: Spool, session_id: str) -> None:
    for call in (
        spool.names_of,
        lambda one: spool.put_incoming(one, AnswerKind.HEALTH, KeptAnswer(b"")),
        spool.drop_incoming,
    ):
        with pytest.raises(UnknownFile):
            call(session_id)
    with pytest.raises(UnknownFile):
        spool.put_pending(package(session_id=session_id))


@pytest.mark.parametrize("name", ["../x", "", ".", f"20261121T030405678901Z_{SESSION}_health_data.json/..", "x\0"])
def test_odd_names_are_unknown(spool: Spool, name: str) -> None:
    for call in (spool.describe, spool.export, spool.requeue, lambda one: spool.park(one, "x")):
        with pytest.raises(UnknownFile):
            call(name)


def test_symbolic_links_are_not_followed(spool: Spool, tmp_path: Path) -> None:
    name = spool.put_pending(package())
    stored = spool.storage.root / "pending" / name
    stored.rename(tmp_path / "elsewhere")
    stored.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageFault), spool.claim(name):
        pytest.fail("claimed a file outside of the folder")


def test_first_answer_wins(spool: Spool) -> None:
    name = spool.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(b"first"))
    assert spool.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(b"second")) == name
    assert spool.read_incoming(SESSION, AnswerKind.HEALTH).body == b"first"
    assert spool.find_incoming(SESSION, AnswerKind.HEALTH) == name


def test_dropped_answers_are_gone(spool: Spool) -> None:
    spool.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(b"{}"))
    spool.put_incoming(SESSION, AnswerKind.PRESCRIPTION, KeptAnswer(b"{}"))
    spool.drop_incoming(SESSION)
    assert spool.find_incoming(SESSION, AnswerKind.HEALTH) is None
    with pytest.raises(UnknownFile):
        spool.read_incoming(SESSION, AnswerKind.PRESCRIPTION)


def test_retries_wait_longer_and_end_in_parking(spool: Spool, clock: Clock) -> None:
    name, waits = spool.put_pending(package()), []
    for _ in range(3):
        info = spool.fail(name, "import_refused")
        waits.append((info.next_retry_at - clock.now()).total_seconds())
        assert (spool.due_failed(clock.now()), info.parked) == ([], False)
        clock.advance(timedelta(seconds=waits[-1]))
        assert spool.due_failed(clock.now()) == [name]
        spool.requeue(name)
    info = spool.fail(name, "import_refused")
    assert waits == [60, 600, 3600]
    assert (info.parked, info.retry_count, info.next_retry_at) == (True, 3, None)
    assert spool.due_failed(clock.now() + timedelta(days=99)) == []


def test_story_tells_each_reason_and_time(spool: Spool, clock: Clock) -> None:
    name = spool.put_pending(package())
    spool.fail(name, "database_down")
    spool.requeue(name)
    clock.advance(timedelta(minutes=1))
    spool.fail(name, "import_refused")
    history = [(one.at, one.reason) for one in spool.describe(name).history]
    assert history == [(NOW, "database_down"), (NOW + timedelta(minutes=1), "import_refused")]


def test_failing_twice_in_a_row_counts_once(spool: Spool) -> None:
    name = spool.put_pending(package())
    assert spool.fail(name, "import_refused") == spool.fail(name, "import_refused")


def test_reason_must_be_a_code(spool: Spool) -> None:
    name = spool.put_pending(package())
    with pytest.raises(ValueError, match="short code"):
        spool.fail(name, f"duplicate key for {CANARY}")
    assert [info.folder for info in spool.names_of(SESSION)] == ["pending"]


def test_completing_twice_changes_nothing(spool: Spool, clock: Clock) -> None:
    with spool.claim(spool.put_pending(package())) as claimed:
        spool.complete(claimed)
        clock.advance(timedelta(days=1))
        spool.complete(claimed)
    assert (spool.storage.root / "completed/2026/11/21" / claimed.name).exists()
    assert spool.counts()["completed"] == 1


def test_completed_file_cannot_fail_or_be_requeued(spool: Spool) -> None:
    name = spool.put_pending(package())
    complete(spool, name)
    assert [spool.fail(name, "late").folder, spool.park(name, "late").folder, spool.requeue(name).folder] == [
        "completed"
    ] * 3


def test_only_parked_files_can_be_discarded(spool: Spool) -> None:
    name = spool.put_pending(package())
    for prepare in (lambda: None, lambda: spool.fail(name, "import_refused")):
        prepare()
        with pytest.raises(FileNotParked):
            spool.discard(name, "staff-1")
    spool.park(name, "checksum")
    assert spool.discard(name, "staff-1").last_error == "checksum"
    assert spool.names_of(SESSION) == []
    assert list((spool.storage.root / "failed").iterdir()) == []


def test_held_file_cannot_be_requeued_twice(spool: Spool) -> None:
    name = spool.put_pending(package())
    spool.fail(name, "import_refused")
    with spool.storage.hold(spool.storage.root / "failed" / name), pytest.raises(FileTaken):
        spool.requeue(name)
    assert spool.requeue(name).folder == spool.requeue(name).folder == "pending"


def test_clean_up_removes_old_completed_files_only(spool: Spool, clock: Clock) -> None:
    complete(spool, spool.put_pending(package()))
    spool.fail(spool.put_pending(package(DataType.PATIENT)), "import_refused")
    spool.put_pending(package(DataType.PRESCRIPTION))
    clock.advance(timedelta(days=30))
    assert spool.clean_completed() == 0
    clock.advance(timedelta(days=1))
    assert spool.clean_completed() == 1
    assert [info.folder for info in spool.names_of(SESSION)] == ["failed", "pending"]
    assert list((spool.storage.root / "completed").iterdir()) == []


def test_clean_up_forgets_sessions_without_files(spool: Spool, clock: Clock) -> None:
    name = spool.put_pending(package())
    spool.fail(name, "import_refused")
    spool.requeue(name)
    complete(spool, name)
    clock.advance(timedelta(days=40))
    spool.clean_completed()
    assert [path for path in spool.storage.root.rglob("*") if not path.is_dir()] == []


def test_clean_up_never_goes_under_a_week(spool: Spool) -> None:
    with pytest.raises(ValueError, match="7 days"):
        spool.clean_completed(6)


def test_what_stands_still_is_told_by_its_age(spool: Spool, clock: Clock) -> None:
    old = spool.put_pending(package())
    spool.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(b"{}"))
    clock.advance(timedelta(minutes=10))
    spool.put_pending(package(session_id=OTHER))
    spool.put_incoming(OTHER, AnswerKind.HEALTH, KeptAnswer(b"{}"))
    assert spool.old_pending(clock.now(), older_than_seconds=600) == [old]
    [stranded] = spool.stranded_answers(clock.now(), older_than_seconds=600)
    assert (stranded.session_id, stranded.kind) == (SESSION, AnswerKind.HEALTH)


def test_sweep_spares_young_temporary_files(spool: Spool, clock: Clock) -> None:
    temporary = spool.storage.root / "pending" / ".tmp-1-abc"
    temporary.touch()
    written = temporary.stat().st_mtime
    for age, swept in ((10, 0), (3601, 1)):
        with Clock().frozen(NOW.fromtimestamp(written + age, tz=NOW.tzinfo)) as later:
            assert Spool(spool.storage.root, spool._sealer, later).sweep_temporary(3600) == swept
    assert not temporary.exists()


def test_counts_tell_parked_from_failed(spool: Spool) -> None:
    spool.fail(spool.put_pending(package()), "import_refused")
    spool.park(spool.put_pending(package(DataType.PATIENT)), "checksum")
    spool.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(b"{}"))
    assert spool.counts() == {"incoming": 1, "pending": 0, "completed": 0, "failed": 2, "parked": 1}
