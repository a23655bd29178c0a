"""The disk refuses each call of each action, once and for good; then it recovers."""

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.clock import Clock
from spool import AnswerKind, DataType, Disk, KeptAnswer, Spool, StorageFault
from tests.integration.spool.actions import ACTIONS, Action, files_in, read_every_file, temporaries_in
from tests.integration.spool.conftest import SEALER, SESSION, complete, package
from tests.integration.spool.disks import FAULTS, FaultyDisk, WatchedDisk

NOBODY = 65534


def _walk(tmp_path: Path, clock: Clock, action: Action) -> Iterator[tuple[int, Path]]:
    """A prepared folder for each call of the action."""
    counting = WatchedDisk()
    for at in range(10_000):
        root = tmp_path / str(at)
        spool = Spool(root, SEALER, clock)
        spool.ensure_folders()
        action.prepare(spool)
        if at == 0:
            action.act(Spool(root, SEALER, clock, counting))
        elif at <= len(counting.made):
            yield at, root
        else:
            return


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
@pytest.mark.parametrize("code", FAULTS, ids=errno.errorcode.get)
@pytest.mark.parametrize(
    "name",
    ["put_incoming", "reserve and fill a room", "put_pending", "claim and complete", "claim and fail", "requeue"],
)
def test_refused_call_leaves_whole_files_and_a_reason(
    tmp_path: Path, clock: Clock, name: str, code: int, lasting: bool
) -> None:
    action = ACTIONS[name]
    for at, root in _walk(tmp_path, clock, action):
        disk = FaultyDisk(at, code, lasting=lasting)
        with reported(disk, FAULTS[code]):
            action.act(Spool(root, SEALER, clock, disk))
        healthy = Spool(root, SEALER, clock)
        read_every_file(healthy, root)
        assert len(files_in(root)) >= action.at_least
        action.act(healthy)
        assert files_in(root) == files_in(tmp_path / "0")


@contextmanager
def reported(disk: FaultyDisk, reason: str) -> Iterator[None]:
    """The fault comes out with its reason, unless it hit a call on which nothing depends."""
    seen: StorageFault | None = None
    try:
        yield
    except StorageFault as fault:
        seen = fault
    if seen is None:
        assert disk.refused == "close"
    else:
        assert (seen.reason, seen.retryable) == (reason, True)


@pytest.mark.parametrize("name", ["put_incoming", "put_pending"])
@pytest.mark.parametrize("call", ["write", "set_time", "fsync", "link", "fsync_folder"])
def test_fault_while_saving_leaves_no_temporary_file(tmp_path: Path, clock: Clock, name: str, call: str) -> None:
    action = ACTIONS[name]
    for at, root in _walk(tmp_path, clock, action):
        disk = FaultyDisk(at, errno.ENOSPC)
        with reported(disk, "disk_full"):
            action.act(Spool(root, SEALER, clock, disk))
        if disk.refused == call:
            assert temporaries_in(root) == []
            assert call == "fsync_folder" or files_in(root) == []


def test_failed_fsync_is_retried_on_a_new_file_only(spool: Spool, open_spool: Callable[..., Spool]) -> None:
    disk = FaultyDisk(0, errno.EIO)
    action = open_spool(disk)
    disk._at = _first("fsync", open_spool)
    with pytest.raises(StorageFault):
        action.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(b"{}"))
    action.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(b"{}"))
    creations = [call for call in disk.made if call in ("open", "fsync")]
    assert creations[:4] == ["open", "fsync", "open", "fsync"]


def _first(call: str, open_spool: Callable[..., Spool]) -> int:
    counting = WatchedDisk()
    other = open_spool(counting, "other")
    other.ensure_folders()
    counting.made.clear()
    other.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(b"{}"))
    return counting.made.index(call) + 1


class FullDevice(Disk):
    """Every new file lies on a device that is really full."""

    def open(self, path: Path, flags: int) -> int:
        return os.open("/dev/full", os.O_WRONLY) if flags & os.O_CREAT else super().open(path, flags)


class NoInodes(FaultyDisk):
    def has_free_inodes(self, path: Path) -> bool:
        return False


class SmallSteps(Disk):
    def write(self, handle: int, data: memoryview) -> int:
        return super().write(handle, data[:7])

    def read(self, handle: int, size: int) -> bytes:
        return super().read(handle, 5)


class Stuck(Disk):
    def write(self, handle: int, data: memoryview) -> int:
        return 0


def test_really_full_device_is_reported(spool: Spool, open_spool: Callable[..., Spool]) -> None:
    with pytest.raises(StorageFault) as caught:
        open_spool(FullDevice()).put_pending(package())
    assert caught.value.reason == "disk_full"
    assert spool.list_pending() == []


def test_full_inode_table_is_told_from_a_full_disk(spool: Spool, open_spool: Callable[..., Spool]) -> None:
    with pytest.raises(StorageFault) as caught:
        open_spool(NoInodes(1, errno.ENOSPC, lasting=True)).put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(b"{}"))
    assert caught.value.reason == "inode_full"


def test_partial_writes_and_reads_are_put_together(spool: Spool, open_spool: Callable[..., Spool]) -> None:
    slow = open_spool(SmallSteps())
    name = slow.put_pending(package())
    assert slow.export(name).raw_data == spool.export(name).raw_data == package().raw_data


def test_write_that_writes_nothing_is_a_fault(spool: Spool, open_spool: Callable[..., Spool]) -> None:
    with pytest.raises(StorageFault) as caught:
        open_spool(Stuck()).put_pending(package())
    assert caught.value.reason == "io_error"


def test_missing_folder_is_reported_as_missing(open_spool: Callable[..., Spool]) -> None:
    with pytest.raises(StorageFault) as caught:
        open_spool(folder="nowhere").put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(b"{}"))
    assert caught.value.reason == "missing"


@contextmanager
def unprivileged(root: Path) -> Iterator[None]:
    """Root may write anywhere: become nobody for real permissions to count."""
    before = os.geteuid()
    if before == 0:
        for path in (root, *root.rglob("*")):
            os.lchown(path, NOBODY, NOBODY)
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


def test_read_only_folder_refuses_and_recovers(clock: Clock) -> None:
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder), SEALER, clock)
        spool.ensure_folders()
        name = spool.put_pending(package(DataType.PATIENT))
        with unprivileged(Path(folder)):
            Path(folder, "pending").chmod(0o500)
            with pytest.raises(StorageFault) as caught:
                spool.put_pending(package())
            with pytest.raises(StorageFault):
                complete(spool, name)
            Path(folder, "pending").chmod(0o700)
            complete(spool, name)
            assert [spool.put_pending(package())] == spool.list_pending()
    assert caught.value.reason == "read_only"


def test_faults_of_the_importer_are_not_taken_for_the_disks(spool: Spool) -> None:
    name = spool.put_pending(package())
    with pytest.raises(ConnectionResetError), spool.claim(name):
        raise ConnectionResetError
    complete(spool, name)
