"""A store that is away while a poller takes its sessions."""

import errno
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from core.clock import clock
from core.names import Step
from spool import AnswerKind, Disk, KeptAnswer, Spool
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


def test_a_passing_fault_of_the_store_costs_no_session_its_poller(world: World, held_lease: int):
    session_id, disk = _wait_for_phone(world), AbsentDisk()
    world.tools.spool.put_incoming(session_id, AnswerKind.HEALTH, KeptAnswer(b"{}"))
    spool = Spool(world.settings.files.data_dir, world.stores.sealer, clock, disk)
    taken = TakenSessions(world.stores, replace(world.tools, spool=spool))
    for _ in range(2):
        taken.take(held_lease)
        assert taken.look_for_answers() == []
    assert taken.session_ids == {UUID(session_id)}
    disk.is_away = False
    [poll] = taken.look_for_answers()
    assert (poll.session_text, poll.answer_on_disk, taken.session_ids) == (session_id, True, set())
    assert world.run(session_id).owner_id == held_lease


def test_a_session_that_waits_no_longer_is_not_looked_for(world: World, held_lease: int):
    sessions, disk = [_wait_for_phone(world) for _ in range(2)], AbsentDisk()
    spool = Spool(world.settings.files.data_dir, world.stores.sealer, clock, disk)
    taken = TakenSessions(world.stores, replace(world.tools, spool=spool))
    taken.take(held_lease)
    taken.look_for_answers()
    ended = UUID(sessions[0])
    assert (taken.drop([ended]), taken.drop([ended])) == ({ended}, set())
    disk.is_away = False
    assert [poll.session_text for poll in taken.look_for_answers()] == sessions[1:]
    taken.take(held_lease)
    taken.clear()
    assert taken.look_for_answers() == []
