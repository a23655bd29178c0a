"""The right to ask for a paid answer, among real processes: held by one, freed by death, broken into after patience."""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from core.clock import Clock
from spool import DataType, Overtaken, Spool, StorageFault
from tests.integration.spool.conftest import OTHER, SEALER, SESSION

PROCESSES = multiprocessing.get_context("spawn")
KIND = DataType.HEALTH


def ask(root: Path, pipe: Connection) -> None:
    """Begins the call; when told so, puts its answer down, and says what came of it."""
    spool = Spool(root, SEALER, Clock())
    with spool.calling(SESSION, KIND, 0) as call:
        pipe.send("asking")
        pipe.recv()
        try:
            call.write()
            spool.put_incoming(SESSION, KIND, b"theirs")
        except Overtaken as exc:
            pipe.send(exc.reason)
            return
        pipe.send("written")
        pipe.recv()


class Caller:
    def __init__(self, root: Path) -> None:
        self._pipe, theirs = PROCESSES.Pipe()
        self.process = PROCESSES.Process(target=ask, args=(root, theirs))
        self.process.start()
        self.hear()

    def hear(self) -> object:
        assert self._pipe.poll(60), "the other process did not answer"
        return self._pipe.recv()

    def go_on(self) -> None:
        self._pipe.send(None)

    def die(self) -> None:
        self.process.kill()
        self.process.join(30)


@contextmanager
def _caller(root: Path) -> Iterator[Caller]:
    made = Caller(root)
    yield made
    made.die()


@pytest.fixture
def caller(spool: Spool) -> Iterator[Caller]:
    with _caller(spool.folders.root) as made:
        yield made


def test_an_answer_that_somebody_asks_for_is_not_asked_for_again(spool: Spool, caller: Caller):
    assert spool.begin_call(SESSION, KIND) is None
    assert spool.begin_call(SESSION, DataType.PRESCRIPTION)
    assert spool.begin_call(OTHER, KIND)


def test_a_process_that_dies_leaves_its_calls_to_others_at_once(spool: Spool, caller: Caller):
    caller.die()
    assert spool.begin_call(SESSION, KIND)


def test_whoever_waits_finds_the_answer(spool: Spool, caller: Caller):
    caller.go_on()
    assert caller.hear() == "written"
    caller.go_on()
    with spool.calling(SESSION, KIND, 60):
        assert spool.read_incoming(SESSION, KIND) == b"theirs"


def test_a_process_that_hangs_is_overtaken_and_may_not_write_when_it_wakes_up(spool: Spool, caller: Caller):
    with spool.calling(SESSION, KIND, 0.05) as call:
        caller.go_on()
        assert caller.hear() == "overtaken"
        call.write()
        spool.put_incoming(SESSION, KIND, b"ours")
    assert spool.read_incoming(SESSION, KIND) == b"ours"


def test_a_process_that_is_writing_is_not_overtaken(spool: Spool, caller: Caller):
    caller.go_on()
    assert caller.hear() == "written"
    assert spool.begin_call(SESSION, KIND, breaking_in=True) is None
    caller.die()
    assert spool.begin_call(SESSION, KIND)


def test_one_of_two_who_lose_their_patience_breaks_in(spool: Spool, caller: Caller):
    with _caller(spool.folders.root):
        assert spool.begin_call(SESSION, KIND, breaking_in=True) is None
    assert spool.begin_call(SESSION, KIND, breaking_in=True)


def test_a_process_does_not_ask_twice_at_once(spool: Spool):
    with spool.calling(SESSION, KIND, 0):
        assert spool.begin_call(SESSION, KIND, breaking_in=True) is None
    assert spool.begin_call(SESSION, KIND)


def test_a_disk_that_refuses_is_found_out_before_anything_is_paid(open_spool: Callable[..., Spool]):
    with pytest.raises(StorageFault) as caught:
        open_spool(folder="absent").begin_call(SESSION, KIND)
    assert caught.value.reason == "missing"
