"""Files that are moved from one place to another while the product works on them, by movers that are killed."""

import multiprocessing
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from uuid import uuid4

import pytest

from core.clock import Clock
from core.sealing import Sealer
from spool import AnswerKind, DataType, Disk, FileTaken, KeptAnswer, Mover, Spool, StorageFault, UnknownFile
from spool.folders import SpoolFolders
from spool.mover import MovedFiles
from spool.moving import MovingStorage
from spool.resealing import Resealed
from spool.storage import Storage
from tests.integration.spool import test_store, test_streamed
from tests.integration.spool.actions import ACTIONS, RAW, Action, files_in, without_stamps
from tests.integration.spool.bucket_fixtures import bucket, bucket_url
from tests.integration.spool.buckets import Bucket, CrashingClient, WatchedClient
from tests.integration.spool.conftest import NOW, OTHER, ROTATED, SEALER, SESSION, complete, package
from tests.integration.spool.disks import Crash, CrashingDisk, WatchedDisk
from tests.integration.spool.test_bucket import _OF_A_FOLDER, _OF_ANY_ENGINE
from tests.integration.spool.test_resealing import full
from tests.waiting import wait_until

__all__ = ["bucket", "bucket_url"]
PROCESSES = multiprocessing.get_context("spawn")
OWNER = uuid4()
BODY = os.urandom(3_000_000)
FILES = 12


class Places:
    """Two folders, of which the second stands for a bucket wherever that changes nothing."""

    def __init__(self, root: Path, clock: Clock) -> None:
        root.mkdir(exist_ok=True)
        self.older, self.newer, self.clock = root / "older", root / "newer", clock
        self.only(self.older).ensure_folders()

    def only(self, folder: Path) -> Spool:
        return Spool(folder, SEALER, self.clock)

    def both(self, sealer: Sealer = SEALER) -> Spool:
        return Spool(
            MovingStorage(SpoolFolders(self.older, Disk()), SpoolFolders(self.newer, Disk())), sealer, self.clock
        )

    def mover(self, disk: Disk | None = None) -> Mover:
        disk = disk or Disk()
        return Mover(SpoolFolders(self.older, disk), SpoolFolders(self.newer, disk), SEALER)

    def files(self) -> list[str]:
        return sorted(files_in(self.older) + files_in(self.newer))


@pytest.fixture
def places(tmp_path: Path, clock: Clock) -> Places:
    return Places(tmp_path, clock)


def move_once(mover: Mover) -> MovedFiles:
    with mover.alone():
        return mover.move_all()


def move_until_done(mover: Mover) -> MovedFiles:
    with mover.alone():
        while (moved := mover.move_all()).done or moved.waiting:
            pass
        return moved


def fill(spool: Spool) -> None:
    """A file of each kind in each state."""
    full.__wrapped__(spool)
    spool.archives.put(OWNER, OWNER, b"zip", NOW.timestamp())
    spool.interviews.put(OWNER, "original", BODY)
    spool.blobs.put(OWNER, "part", b"sealed elsewhere")


def check_full(spool: Spool) -> None:
    """Everything that `fill` has put there is there, once."""
    assert spool.counts() == {"incoming": 1, "pending": 1, "completed": 1, "failed": 2, "parked": 1}
    assert [info.folder for info in spool.names_of(SESSION)] == ["completed", "pending", "failed"]
    assert all(spool.export(info.name).raw_data == package().raw_data for info in spool.names_of(SESSION))
    assert spool.names_of(SESSION)[2].last_error == "import_refused"
    assert spool.read_incoming(SESSION, AnswerKind.HEALTH).body == RAW
    assert spool.incoming_written_at(SESSION, AnswerKind.HEALTH) == NOW
    [parked] = spool.find_parked(OTHER, AnswerKind.HEALTH)
    assert spool.read_parked(parked).body == RAW
    assert spool.sessions_of(package().metadata.patient_uuid) == [SESSION]
    assert spool.archives.read(OWNER, OWNER) == b"zip"
    assert spool.interviews.read_whole(OWNER, "original") == BODY
    assert spool.blobs.read_whole(OWNER, "part") == b"sealed elsewhere"


def left_in(folder: Path) -> list[Path]:
    """But for the movers' own marks, and what beat sweeps."""
    files = (path for path in folder.rglob("*") if path.is_symlink() or path.is_file())
    return [path for path in files if not path.name.startswith((".move-", ".tmp-"))]


# What the spool promises of one place it promises of two


@pytest.fixture(params=["before the move", "after it began"])
def spool(request: pytest.FixtureRequest, places: Places) -> Spool:
    if request.param != "before the move":
        move_once(places.mover())
    both = places.both()
    both.ensure_folders()
    return both


for _name, _test in vars(test_store).items():
    if _name.startswith("test_") and _name not in _OF_A_FOLDER:
        globals()[_name] = _test
for _name in _OF_ANY_ENGINE:
    globals()[_name] = getattr(test_streamed, _name)


def test_what_is_new_goes_to_the_newer_place_once_the_move_has_begun(places: Places):
    places.both().put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(RAW))
    room = places.both().reserve_room(64)
    move_until_done(places.mover())
    places.both().put_incoming(OTHER, AnswerKind.HEALTH, KeptAnswer(RAW), room)
    places.both().put_pending(package())
    assert (files_in(places.older), left_in(places.older)) == ([], [])
    assert len(files_in(places.newer)) == 3


def test_the_first_answer_stays_wherever_it_lies(places: Places):
    places.both().put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(RAW))
    with places.mover().alone():
        places.both().put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(b"second"))
        assert places.both().read_incoming(SESSION, AnswerKind.HEALTH).body == RAW
    move_until_done(places.mover())
    places.both().put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(b"third"))
    assert places.both().read_incoming(SESSION, AnswerKind.HEALTH).body == RAW


# The mover


def test_everything_is_moved_and_is_what_it_was(places: Places):
    fill(places.only(places.older))
    assert move_until_done(places.mover()) == MovedFiles()
    assert left_in(places.older) == []
    check_full(places.only(places.newer))
    check_full(places.both())


def test_everything_can_be_moved_back(places: Places):
    fill(places.only(places.older))
    move_until_done(places.mover())
    move_until_done(Mover(SpoolFolders(places.newer, Disk()), SpoolFolders(places.older, Disk()), SEALER))
    assert left_in(places.newer) == []
    check_full(places.only(places.older))


def test_a_file_that_is_held_is_moved_afterwards(places: Places):
    name = places.both().put_pending(package())
    with places.both().claim(name) as claimed:
        assert move_once(places.mover()).waiting == 1
        places.both().complete(claimed)
    assert move_until_done(places.mover()) == MovedFiles()
    assert files_in(places.newer) == [f"completed/2026/11/21/{name}"]


def test_two_movers_do_not_work_at_once(places: Places):
    with places.mover().alone(), pytest.raises(FileTaken), places.mover().alone():
        pytest.fail("a second one began")


def test_answers_that_differ_are_both_kept(places: Places):
    for folder, body in ((places.older, RAW), (places.newer, b"another")):
        spool = places.only(folder)
        spool.ensure_folders()
        spool.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(body))
    assert move_until_done(places.mover()) == MovedFiles(differing=1)
    assert [
        places.only(one).read_incoming(SESSION, AnswerKind.HEALTH).body for one in (places.older, places.newer)
    ] == [
        RAW,
        b"another",
    ]


def test_a_patients_file_that_no_key_opens_stays(places: Places):
    places.only(places.older).put_pending(package(DataType.PATIENT))
    stranger = Mover(
        SpoolFolders(places.older, Disk()), SpoolFolders(places.newer, Disk()), Sealer({"elsewhere": b"e" * 32})
    )
    assert move_until_done(stranger) == MovedFiles(unopened=1)
    assert len(files_in(places.older)) == 1


def test_a_copy_that_is_not_the_same_costs_no_file(places: Places):
    places.only(places.older).put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(RAW))

    class TearingDisk(Disk):
        def write(self, handle: int, data: memoryview) -> int:
            os.write(handle, bytes(len(data)))
            return len(data)

    assert move_once(places.mover(TearingDisk())).waiting == 1
    assert places.both().read_incoming(SESSION, AnswerKind.HEALTH).body == RAW
    assert files_in(places.newer) == []
    assert move_until_done(places.mover()) == MovedFiles()


def test_a_place_that_refuses_costs_no_file(places: Places):
    fill(places.only(places.older))

    class FullDisk(Disk):
        def fsync(self, handle: int) -> None:
            raise OSError(28, "full")

    with suppress(StorageFault):
        move_once(places.mover())
    places.both().put_incoming(str(uuid4()), AnswerKind.HEALTH, KeptAnswer(RAW))
    places.only(places.older).put_incoming(str(uuid4()), AnswerKind.HEALTH, KeptAnswer(RAW))
    with pytest.raises(StorageFault) as caught:
        move_once(places.mover(FullDisk()))
    assert caught.value.reason == "disk_full"
    assert places.both().counts()["incoming"] == 3


# Killed


def _calls(tmp_path: Path, clock: Clock, prepare: Callable[[Spool], object]) -> int:
    places, counting = Places(tmp_path / "uncut", clock), WatchedDisk()
    prepare(places.only(places.older))
    move_once(places.mover(counting))
    return len(counting.made)


def _cut(places: Places, at: int) -> None:
    with suppress(Crash, StorageFault):
        move_once(places.mover(CrashingDisk(at)))


def _every(calls: int, step: int) -> range:
    return range(1, calls + 1, step)


@pytest.mark.timeout(900)
def test_a_mover_that_is_killed_at_any_call_loses_and_doubles_nothing(tmp_path: Path, clock: Clock):
    calls = _calls(tmp_path, clock, fill)
    for at in _every(calls, 3):
        places = Places(tmp_path / str(at), clock)
        fill(places.only(places.older))
        _cut(places, at)
        check_full(places.both())
        _cut(places, at // 2 + 1)
        check_full(places.both())
        assert move_until_done(places.mover()) == MovedFiles()
        assert left_in(places.older) == []
        check_full(places.only(places.newer))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS.keys())
def test_what_is_done_after_a_kill_is_done_once(tmp_path: Path, clock: Clock, action: Action):
    """As it would be without any mover: nothing comes back that was completed, dropped or erased."""
    alone = Places(tmp_path / "alone", clock)
    action.prepare(alone.only(alone.older))
    action.act(alone.only(alone.older))
    for at in _every(_calls(tmp_path, clock, action.prepare), 2):
        places = Places(tmp_path / str(at), clock)
        action.prepare(places.only(places.older))
        _cut(places, at)
        with Clock().frozen(NOW + timedelta(seconds=1)) as later:
            action.act(Spool(places.both().storage, SEALER, later))
        assert move_until_done(places.mover()) == MovedFiles()
        assert files_in(places.older) == []
        assert without_stamps(files_in(places.newer)) == without_stamps(alone.files()), at


def test_what_is_erased_while_its_copy_is_made_stays_away(places: Places):
    """Also when the mover dies before it finds out."""
    places.only(places.older).put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(RAW))

    class ErasedMeanwhile(CrashingDisk):
        def before(self, call: str, args: tuple) -> None:
            super().before(call, args)
            if call == "rename" and "incoming" in str(args[1]):  # the copy gets its name just after this
                places.both().erase([SESSION])
                self._at = len(self.made) + 1

    with pytest.raises(Crash):
        move_once(places.mover(ErasedMeanwhile(10_000)))
    assert move_until_done(places.mover()) == MovedFiles()
    assert places.files() == []


def test_files_are_sealed_anew_while_they_are_moved(places: Places):
    fill(places.only(places.older))
    calls = 150
    _cut(places, calls)
    assert places.both(ROTATED).reseal().unopened == Resealed().unopened
    assert move_until_done(places.mover()) == MovedFiles()
    assert set(Spool(places.newer, ROTATED, places.clock).count_sealing_keys()) <= {"new", "test"}
    check_full(places.only(places.newer))


# Into a bucket


def test_a_folder_is_moved_into_a_bucket_by_movers_that_are_killed(tmp_path: Path, bucket: Bucket, clock: Clock):
    folder = tmp_path / "data"
    before = Spool(folder, SEALER, clock)
    before.ensure_folders()
    fill(before)
    counting = WatchedClient(bucket.client)
    for at in (30, 60, 90):
        mover = Mover(SpoolFolders(folder, Disk()), bucket.engine(CrashingClient(counting, at)), SEALER)
        with suppress(Crash):
            move_once(mover)
        check_full(Spool(MovingStorage(SpoolFolders(folder, Disk()), bucket.engine()), SEALER, clock))
    assert move_until_done(Mover(SpoolFolders(folder, Disk()), bucket.engine(), SEALER)) == MovedFiles()
    assert left_in(folder) == []
    check_full(bucket.spool(clock))


def move_in_process(folder: Path, url: str, prefix: str, begun: Connection) -> None:
    places: tuple[Storage, Storage] = (SpoolFolders(folder, Disk()), Bucket(url, prefix).engine())
    begun.send("begun")
    move_until_done(Mover(*places, SEALER))
    begun.send("done")


@pytest.mark.timeout(600)
def test_every_file_is_imported_once_while_killed_movers_move_them(tmp_path: Path, bucket: Bucket):
    folder, clock = tmp_path / "data", Clock()
    older = Spool(folder, SEALER, clock)
    older.ensure_folders()
    names = [older.put_pending(package(session_id=f"{n:08x}-0000-4000-8000-000000000000")) for n in range(FILES)]
    both = Spool(MovingStorage(SpoolFolders(folder, Disk()), bucket.engine()), SEALER, clock)
    imported: list[str] = []

    def import_all() -> None:
        while waiting := both.list_pending():
            for name in waiting:
                with suppress(FileTaken, UnknownFile):
                    complete(both, name)
                    imported.append(name)

    importing = threading.Thread(target=import_all)
    for is_killed in (True, True, False):
        receiver, sender = PROCESSES.Pipe(duplex=False)
        where = (folder, bucket.address.endpoint_url, bucket.address.prefix, sender)
        mover = PROCESSES.Process(target=move_in_process, args=where)
        mover.start()
        assert receiver.poll(120)
        receiver.recv()
        if is_killed:
            seen = len(bucket.files())
            wait_until(lambda seen=seen: len(bucket.files()) > seen, timeout=60)
            mover.kill()
            if importing.ident is None:
                importing.start()
        else:
            assert receiver.poll(300)
        mover.join(60)
    importing.join(120)
    assert sorted(imported) == sorted(names)
    assert move_until_done(Mover(SpoolFolders(folder, Disk()), bucket.engine(), SEALER)) == MovedFiles()
    assert bucket.spool(clock).counts()["completed"] == FILES
    assert files_in(folder) == []
