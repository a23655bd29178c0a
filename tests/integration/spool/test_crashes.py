"""Every action is cut before each of its file system calls, by the death of the process and by a power failure."""

from datetime import timedelta
from pathlib import Path

import pytest

from core.clock import Clock
from spool import Spool
from tests.integration.spool.actions import ACTIONS, Action, files_in, read_every_file, temporaries_in, without_stamps
from tests.integration.spool.conftest import NOW, SEALER, SESSION, package
from tests.integration.spool.disks import Crash, CrashingDisk, PowerlessDisk, WatchedDisk


def _prepare(root: Path, clock: Clock, action: Action) -> Spool:
    spool = Spool(root, SEALER, clock)
    spool.ensure_folders()
    action.prepare(spool)
    return spool


def _uncut(root: Path, clock: Clock, action: Action) -> tuple[list[str], int]:
    """The files that the whole action ends with, and the number of its calls."""
    _prepare(root, clock, action)
    disk = WatchedDisk()
    action.act(Spool(root, SEALER, clock, disk))
    return files_in(root), len(disk.made)


def _check_after_cut(root: Path, clock: Clock, action: Action, wanted: list[str]) -> None:
    """A moment later the action is done again, so a second name for the same file would show."""
    spool = Spool(root, SEALER, clock)
    read_every_file(spool, root)
    assert len(files_in(root)) >= action.at_least
    with Clock().frozen(NOW + timedelta(seconds=1)) as later:
        action.act(Spool(root, SEALER, later))
    assert without_stamps(files_in(root)) == without_stamps(wanted)
    read_every_file(spool, root)
    with Clock().frozen(NOW + timedelta(days=3650)) as much_later:
        Spool(root, SEALER, much_later).sweep_temporary()
    assert temporaries_in(root) == []


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS.keys())
def test_process_death_at_any_call_loses_nothing(tmp_path: Path, clock: Clock, action: Action) -> None:
    wanted, calls = _uncut(tmp_path / "uncut", clock, action)
    for at in range(1, calls + 1):
        root = tmp_path / str(at)
        _prepare(root, clock, action)
        with pytest.raises(Crash):
            action.act(Spool(root, SEALER, clock, CrashingDisk(at)))
        _check_after_cut(root, clock, action, wanted)


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS.keys())
def test_power_failure_at_any_call_loses_nothing(tmp_path: Path, clock: Clock, action: Action) -> None:
    wanted, calls = _uncut(tmp_path / "uncut", clock, action)
    for at in range(1, calls + 1):
        root = tmp_path / str(at)
        _prepare(root, clock, action)
        disk = PowerlessDisk(at, tmp_path / "graveyard" / str(at))
        with pytest.raises(Crash):
            action.act(Spool(root, SEALER, clock, disk))
        disk.lose_power()
        _check_after_cut(root, clock, action, wanted)


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS.keys())
def test_what_returned_survives_a_power_failure(tmp_path: Path, clock: Clock, action: Action) -> None:
    wanted, calls = _uncut(tmp_path / "uncut", clock, action)
    root = tmp_path / "data"
    _prepare(root, clock, action)
    disk = PowerlessDisk(calls + 1, tmp_path / "graveyard", split_renames=True)
    action.act(Spool(root, SEALER, clock, disk))
    disk.lose_power()
    assert files_in(root) == wanted
    read_every_file(Spool(root, SEALER, clock), root)


@pytest.mark.parametrize("name", [name for name in ACTIONS if name.startswith("put_")])
def test_saving_again_makes_durable_what_the_dead_left(tmp_path: Path, clock: Clock, name: str) -> None:
    action = ACTIONS[name]
    wanted, calls = _uncut(tmp_path / "uncut", clock, action)
    for at in range(1, calls + 1):
        root = tmp_path / str(at)
        _prepare(root, clock, action)
        first = PowerlessDisk(at, tmp_path / "graves" / str(at))
        second = PowerlessDisk(10_000, tmp_path / "graves" / f"{at} again")
        with pytest.raises(Crash):
            action.act(Spool(root, SEALER, clock, first))
        second.inherit(first)
        action.act(Spool(root, SEALER, clock, second))
        second.lose_power()
        assert files_in(root) == wanted
        read_every_file(Spool(root, SEALER, clock), root)


def test_name_survives_a_power_failure(tmp_path: Path, clock: Clock) -> None:
    spool = _prepare(tmp_path / "data", clock, ACTIONS["put_pending"])
    disk = PowerlessDisk(10_000, tmp_path / "graveyard")
    name = Spool(tmp_path / "data", SEALER, clock, disk).put_pending(package())
    disk.lose_power()
    assert [info.name for info in spool.names_of(SESSION)] == [name]


def test_reasons_survive_a_power_failure(tmp_path: Path, clock: Clock) -> None:
    action = ACTIONS["park a failed one"]
    healthy = _prepare(tmp_path / "data", clock, action)
    disk = PowerlessDisk(10_000, tmp_path / "graveyard")
    action.act(Spool(tmp_path / "data", SEALER, clock, disk))
    disk.lose_power()
    assert [(info.parked, info.last_error) for info in healthy.names_of(SESSION)] == [(True, "checksum")]


@pytest.mark.parametrize("name", ["claim and fail", "fail by name", "park"])
def test_nothing_is_ever_failed_without_a_reason(tmp_path: Path, clock: Clock, name: str) -> None:
    action = ACTIONS[name]
    _, calls = _uncut(tmp_path / "uncut", clock, action)
    for at in range(1, calls + 1):
        root = tmp_path / str(at)
        _prepare(root, clock, action)
        with pytest.raises(Crash):
            action.act(Spool(root, SEALER, clock, CrashingDisk(at)))
        failed = [path for path in files_in(root) if path.startswith("failed/")]
        assert all((root / f"{path}.why").exists() for path in failed)
