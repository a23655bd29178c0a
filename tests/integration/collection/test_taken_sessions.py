"""A store that is away while a poller takes its sessions."""

import errno
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from core.clock import clock
from core.names import Step
from spool import AnswerKind, Disk, KeptAnswer, Spool
from tasks.processes.poll_schedule import PendingPoll
from tasks.processes.taken_sessions import TakenSessions

from .conftest import World


class AbsentDisk(Disk):
    is_away = True

    def stat(self, path: Path):
        if self.is_away:
            raise OSError(errno.EIO, "away")
        return super().stat(path)


def _wait_for_phone(world: World) -> str:
    """A session that no poller has taken."""
    session_id = world.asked()
    claim = world.claim(session_id, Step.REQUEST_SIMPLE_AUTH)
    assert claim is not None
    world.finish(claim)
    return session_id


def _take(taken: TakenSessions, owner_id: int) -> None:
    taken.add(taken.take(owner_id))


def _look(taken: TakenSessions) -> list[PendingPoll]:
    return taken.release(taken.look_for_answers(taken.waiting))


def test_a_passing_fault_of_the_store_costs_no_session_its_poller(world: World, held_lease: int):
    session_id, disk = _wait_for_phone(world), AbsentDisk()
    world.tools.spool.put_incoming(session_id, AnswerKind.HEALTH, KeptAnswer(b"{}"))
    spool = Spool(world.settings.files.data_dir, world.stores.sealer, clock, disk)
    taken = TakenSessions(world.stores, replace(world.tools, spool=spool))
    for _ in range(2):
        _take(taken, held_lease)
        assert _look(taken) == []
    assert taken.session_ids == {UUID(session_id)}
    disk.is_away = False
    [poll] = _look(taken)
    assert (poll.session_text, poll.answer_on_disk, taken.session_ids) == (session_id, True, set())
    assert world.run(session_id).owner_id == held_lease


def test_a_session_that_waits_no_longer_is_not_looked_for(world: World, held_lease: int):
    sessions, disk = [_wait_for_phone(world) for _ in range(2)], AbsentDisk()
    spool = Spool(world.settings.files.data_dir, world.stores.sealer, clock, disk)
    taken = TakenSessions(world.stores, replace(world.tools, spool=spool))
    _take(taken, held_lease)
    _look(taken)
    ended = UUID(sessions[0])
    assert (taken.drop([ended]), taken.drop([ended])) == ({ended}, set())
    disk.is_away = False
    assert [poll.session_text for poll in _look(taken)] == sessions[1:]
    _take(taken, held_lease)
    taken.clear()
    assert _look(taken) == []


@pytest.mark.parametrize("change", ["ended", "asked anew", "another lease"])
def test_what_changes_during_a_look_makes_it_a_look_for_nothing(world: World, held_lease: int, change: str):
    session_id = UUID(_wait_for_phone(world))
    taken = TakenSessions(world.stores, world.tools)
    _take(taken, held_lease)
    [before] = taken.waiting
    found = taken.look_for_answers([before])
    if change == "ended":
        taken.drop([session_id])
    elif change == "asked anew":
        taken.add([replace(before, polls=before.polls + 1)])
    else:
        taken.clear()
    assert taken.release(found) == []
    assert taken.session_ids == ({session_id} if change == "asked anew" else set())
