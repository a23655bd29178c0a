"""Two real processes on one folder: who comes second gets nothing, and who dies leaves nothing locked."""

import multiprocessing
import os
import signal
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from core.clock import Clock
from spool import AnswerKind, Disk, FileTaken, KeptAnswer, Spool, UnknownFile
from tests.integration.spool.conftest import SEALER, SESSION, complete, package

PROCESSES = multiprocessing.get_context("spawn")
FILES = 40


def import_all(root: Path, start: Barrier, taken: Connection) -> None:
    spool = Spool(root, SEALER, Clock())
    names = spool.list_pending()
    start.wait(30)
    mine = [name for name in names if _try_import(spool, name)]
    taken.send(mine)


def _try_import(spool: Spool, name: str) -> bool:
    try:
        complete(spool, name)
    except (FileTaken, UnknownFile):
        return False
    return True


def hold_forever(root: Path, name: str, held: Connection) -> None:
    with Spool(root, SEALER, Clock()).claim(name):
        held.send(os.getpid())
        signal.pause()


def answer(root: Path, raw: bytes, start: Barrier, done: Connection) -> None:
    spool = Spool(root, SEALER, Clock())
    start.wait(30)
    spool.put_incoming(SESSION, AnswerKind.HEALTH, KeptAnswer(raw))
    done.send(spool.read_incoming(SESSION, AnswerKind.HEALTH).body)


def _receive(pipe: Connection) -> object:
    assert pipe.poll(60), "the other process did not answer"
    return pipe.recv()


def _run_two(target: object, *arguments: tuple[object, ...]) -> list[object]:
    start, pipes = PROCESSES.Barrier(2), [PROCESSES.Pipe(duplex=False) for _ in range(2)]
    running = [
        PROCESSES.Process(target=target, args=(*given, start, pipe[1]))
        for given, pipe in zip(arguments, pipes, strict=True)
    ]
    for process in running:
        process.start()
    answers = [_receive(pipe[0]) for pipe in pipes]
    for process in running:
        process.join(30)
    return answers


def test_two_workers_import_each_file_once(spool: Spool) -> None:
    names = [spool.put_pending(package(session_id=f"{n:08x}-0000-4000-8000-000000000000")) for n in range(FILES)]
    root = spool.storage.root
    first, second = _run_two(import_all, (root,), (root,))
    assert sorted([*first, *second]) == sorted(names)
    assert spool.counts() == {"incoming": 0, "pending": 0, "completed": FILES, "failed": 0, "parked": 0}


def test_first_of_two_answers_stays(spool: Spool) -> None:
    root = spool.storage.root
    seen = _run_two(answer, (root, b"one" * 1000), (root, b"two" * 1000))
    assert seen[0] == seen[1] == spool.read_incoming(SESSION, AnswerKind.HEALTH).body


def test_killed_worker_leaves_its_file_free(spool: Spool) -> None:
    name = spool.put_pending(package())
    receiver, sender = PROCESSES.Pipe(duplex=False)
    worker = PROCESSES.Process(target=hold_forever, args=(spool.storage.root, name, sender))
    worker.start()
    _receive(receiver)
    with pytest.raises(FileTaken):
        complete(spool, name)
    worker.kill()
    worker.join(30)
    complete(spool, name)


def test_file_held_in_this_process_is_taken_too(spool: Spool) -> None:
    name = spool.put_pending(package())
    with spool.claim(name):
        for call in (lambda: complete(spool, name), lambda: spool.fail(name, "late"), lambda: spool.park(name, "late")):
            with pytest.raises(FileTaken):
                call()


class LateLock(Disk):
    """Another worker completes the file between our opening and our locking it."""

    def __init__(self, other: Spool) -> None:
        self._other = other

    def lock(self, handle: int) -> bool:
        for name in self._other.list_pending():
            complete(self._other, name)
        return super().lock(handle)


def test_file_completed_before_our_lock_is_unknown(spool: Spool, clock: Clock) -> None:
    name = spool.put_pending(package())
    late = Spool(spool.storage.root, SEALER, clock, LateLock(spool))
    with pytest.raises(UnknownFile), late.claim(name):
        pytest.fail("claimed a file that is gone")


def test_completed_file_cannot_be_claimed(spool: Spool) -> None:
    name = spool.put_pending(package())
    complete(spool, name)
    with pytest.raises(UnknownFile), spool.claim(name):
        pytest.fail("claimed a file that is gone")


class RequeueUnderway(Disk):
    """Another worker requeues the file after we looked for it in `pending/` and before we look in `failed/`."""

    def __init__(self, other: Spool) -> None:
        self._other = other

    def stat(self, path: Path) -> os.stat_result:
        if path.parent.name == "failed":
            self._other.requeue(path.name)
        return super().stat(path)


def test_file_that_is_requeued_is_never_overlooked(spool: Spool, clock: Clock) -> None:
    name = spool.put_pending(package())
    spool.fail(name, "import_refused")
    looking = Spool(spool.storage.root, SEALER, clock, RequeueUnderway(spool))
    assert looking.describe(name).folder == "pending"
