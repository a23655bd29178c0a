"""What was deleted is erased after its days, and files that nobody owns go."""

import errno
import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from redis import Redis
from sqlalchemy import Engine, text
from sqlalchemy.orm import sessionmaker

from core.clock import clock
from core.sealing import Sealer
from models.interviews import Interview
from services.delivery.event_sender import EventSender
from services.delivery.event_sweep import StreamSweep
from services.delivery.unit_of_work import UnitOfWork
from services.interviews.erasure import ErasureTools
from services.interviews.events import tell_added
from services.interviews.retention import drop_strays, erase_overdue
from services.interviews.row_security import as_analyst
from spool import Spool, StreamedFiles
from streams import NOWHERE, Streams
from tests.integration.spool.disks import WatchedDisk

from .company import KINDS, World, add_interview

KEEP_DAYS = 30


@pytest.fixture
def files(tmp_path: Path) -> StreamedFiles:
    return Spool(tmp_path, Sealer({"k": bytes(range(32))}), clock).interviews


@pytest.fixture
def unit_of_work(engine: Engine) -> UnitOfWork:
    def nothing(*_: object) -> None:
        pass

    return UnitOfWork(sessionmaker(engine, expire_on_commit=False), KINDS, nothing, nothing, nothing, nothing)


@pytest.fixture
def tools(unit_of_work: UnitOfWork, files: StreamedFiles) -> ErasureTools:
    return ErasureTools(unit_of_work, lambda _: True, files)


@pytest.fixture
def deleted(unit_of_work: UnitOfWork, world: World, files: StreamedFiles) -> dict[int, UUID]:
    """By how many days ago."""
    made = {}
    with unit_of_work() as work:
        for days in (29, 31):
            changes = {"deleted_at": clock.now() - timedelta(days=days), "deleted_by": world.people["mina"]}
            made[days] = add_interview(work.session, world, world.food, "mina", **changes)
    for interview_id in made.values():
        files.put(interview_id, "text", b"x")
    return made


def test_what_is_over_is_erased_once_and_the_rest_stays(
    tools: ErasureTools, files: StreamedFiles, engine: Engine, deleted: dict[int, UUID]
):
    assert erase_overdue(tools, clock.now(), KEEP_DAYS) == 1
    assert erase_overdue(tools, clock.now(), KEEP_DAYS) == 0
    assert (files.names(deleted[29]), files.names(deleted[31])) == (["text"], [])
    with engine.connect() as connection:
        rows = connection.execute(
            text("select id, masked_text, erased_at from welno.interviews where deleted_at < now()")
        )
        found = {row.id: (row.masked_text is None, row.erased_at is not None) for row in rows}
    assert found == {deleted[29]: (False, False), deleted[31]: (True, True)}


def test_what_was_told_of_it_is_emptied_in_the_log_and_gone_from_redis(
    engine: Engine, redis_client: Redis, world: World, files: StreamedFiles
):
    sessions, streams, subject = (
        sessionmaker(engine, expire_on_commit=False),
        Streams(redis_client),
        f"project:{world.food}",
    )
    sender = EventSender(sessions, streams, KINDS)
    unit_of_work = UnitOfWork(sessions, KINDS, sender.deliver, *[lambda _: None] * 3)
    changes = {"deleted_at": clock.now() - timedelta(days=31), "deleted_by": world.people["mina"], "title": "지울 것"}
    with unit_of_work() as work:
        interview_id = add_interview(work.session, world, world.food, "mina", **changes)
    with unit_of_work() as work, as_analyst(work.session, world.food):
        tell_added(work, work.session.get_one(Interview, interview_id), clock.now())
    assert "지울 것" in streams.read_after(subject, 0).events[0].to_json().decode()
    sweep = StreamSweep(sessions, streams, KINDS, sender)
    sweep.run(0)
    assert streams.position(subject).seq == 1
    redis_away = lambda _: False  # noqa: E731
    erase_overdue(ErasureTools(unit_of_work, redis_away, files), clock.now(), KEEP_DAYS)
    assert "지울 것" in streams.read_after(subject, 0).events[0].to_json().decode()
    sweep.run(0)
    assert streams.position(subject) == NOWHERE
    assert sender.fill(subject)
    event, deleted = streams.read_after(subject, 0).events
    assert (deleted.seq, deleted.body["type"]) == (2, "interview:deleted")
    assert (event.seq, event.body["data"]["interview"]["title"]) == (1, "지워진 인터뷰")


class RefusingDisk(WatchedDisk):
    """Takes away no file of these owners."""

    def __init__(self) -> None:
        super().__init__()
        self.owners: set[UUID] = set()

    def before(self, call: str, args: tuple[Any, ...]) -> None:
        if call == "unlink" and any(str(owner) in str(args[0]) for owner in self.owners):
            raise OSError(errno.EIO, "refused")


def test_a_disk_that_refuses_one_interview_s_files_stops_no_other_and_strays_finish_it(
    tools: ErasureTools, world: World, engine: Engine, tmp_path: Path
):
    disk = RefusingDisk()
    files = Spool(tmp_path, Sealer({"k": bytes(range(32))}), clock, disk).interviews
    forgotten: list[str] = []
    made = {}
    with tools.unit_of_work() as work:
        for project, author in ((world.food, "mina"), (world.food, "jun"), (world.secret, "sora")):
            changes = {"deleted_at": clock.now() - timedelta(days=31), "deleted_by": world.people[author]}
            made[author] = add_interview(work.session, world, project, author, **changes)
    for owner in made.values():
        files.put(owner, "text", b"x")
    disk.owners = {made["mina"]}
    refused = ErasureTools(tools.unit_of_work, lambda subject: forgotten.append(subject) is None, files)
    assert erase_overdue(refused, clock.now(), KEEP_DAYS) == 3
    assert sorted(forgotten) == sorted([f"project:{world.food}", f"project:{world.secret}"])
    assert files.owners() == [made["mina"]]
    stray = uuid4()
    files.put(stray, "original", b"left by who died")
    two_days_ago = (clock.now() - timedelta(days=2)).timestamp()
    for owner in (stray, made["mina"]):
        os.utime(tmp_path / "interviews" / str(owner), (two_days_ago, two_days_ago))
    assert drop_strays(tools.unit_of_work, files, clock.now()) == 1
    assert files.owners() == [made["mina"]]
    disk.owners = set()
    assert drop_strays(tools.unit_of_work, files, clock.now()) == 1
    assert files.owners() == []


def test_files_that_nobody_owns_go_after_a_day(
    unit_of_work: UnitOfWork, files: StreamedFiles, tmp_path: Path, deleted: dict[int, UUID]
):
    stray, young = uuid4(), uuid4()
    for owner in (stray, young):
        files.put(owner, "original", b"left by who died")
    two_days_ago = (clock.now() - timedelta(days=2)).timestamp()
    for owner in (stray, *deleted.values()):
        os.utime(tmp_path / "interviews" / str(owner), (two_days_ago, two_days_ago))
    assert drop_strays(unit_of_work, files, clock.now()) == 1
    assert set(files.owners()) == {young, *deleted.values()}
