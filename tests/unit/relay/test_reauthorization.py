"""Looking at rights again: everybody in time, many with one question, and gently when nobody answers."""

import itertools
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.waiting import wait_until
from webapp.relay.closing import CloseCode
from webapp.relay.loop import ThreadLoop
from webapp.relay.reauthorization import Reauthorization
from webapp.relay.rounds import Members

TICK, CHECK_EVERY, ADMISSION = 0.25, 55.0, 20.0


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Registrar:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.revoked: set[int] = set()
        self.is_down = False
        self.batches: list[int] = []
        self.asked_at: dict[int, list[float]] = {}

    def review(self, rights):
        self.batches.append(len(rights))
        if self.is_down:
            raise ConnectionError
        for right in rights:
            self.asked_at.setdefault(right, []).append(self._clock.now)
        return [CloseCode.UNKNOWN if right in self.revoked else None for right in rights]


class Reader:
    """A reader, its source and what is asked about it in one."""

    def __init__(self, number: int, authority: Registrar | None) -> None:
        self.number = self.right = number
        self.authority = authority
        self.source = self
        self.code: int | None = None

    def reviewables(self):
        return (self,) if self.code is None else ()

    def is_concerned(self, notices: frozenset[str]) -> bool:
        return f"subject:{self.number}" in notices

    def lose_right(self, code: int) -> None:
        self.code = code


class Desk:
    def __init__(self, loop: ThreadLoop, readers: int) -> None:
        self.workers = loop.make_workers(4)
        self.clock = Clock()
        self.registrar = Registrar(self.clock)
        self.readers = [Reader(number, self.registrar) for number in range(readers)]
        self.members: Members[Reader] = Members()
        for reader in self.readers:
            self.members.add(reader)
        self.loop = loop
        self.reauthorization = Reauthorization(
            loop, self.workers, [self.members], CHECK_EVERY, self.clock, admission_seconds=ADMISSION
        )

    def open(self, number: int) -> Reader:
        """One more, that was let in by now."""
        reader = Reader(number, self.registrar)

        def begin() -> None:
            self.members.add(reader)
            self.reauthorization.note_opened((reader,))

        self.loop.run(begin)
        return reader

    def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds / TICK)):
            self.clock.now += TICK
            self.loop.run(self.reauthorization.on_tick)
            self._wait()

    def _wait(self) -> None:
        """Until the tick, and what it has asked, are over."""
        while True:
            reached, asking = threading.Event(), []

            def look(reached=reached, asking=asking) -> None:
                asking.extend(batches.is_asking for batches in self.reauthorization._batches.values())
                reached.set()

            self.loop.run(look)
            assert reached.wait(5)
            if not any(asking):
                return


@pytest.fixture
def make_desk() -> Iterator[Callable[[int], Desk]]:
    """Of so many readers."""
    loop = ThreadLoop()
    made: list[Desk] = []

    def make(readers: int) -> Desk:
        made.append(Desk(loop, readers))
        return made[-1]

    yield make
    [one.workers.stop() for one in made]
    loop.stop()


def test_everybody_is_asked_about_within_the_promised_time(make_desk):
    desk = make_desk(2500)
    desk.pass_time(3 * CHECK_EVERY)
    for asked_at in desk.registrar.asked_at.values():
        moments = [1000.0, *asked_at]
        assert max(later - earlier for earlier, later in itertools.pairwise(moments)) <= CHECK_EVERY
    assert len(desk.registrar.asked_at) == 2500


def test_twenty_thousand_cost_some_twenty_questions_a_minute(make_desk):
    desk = make_desk(20_000)
    desk.pass_time(60)
    assert len(desk.registrar.batches) <= 27
    assert max(desk.registrar.batches) == 1000


def test_few_are_asked_about_together_too(make_desk):
    desk = make_desk(200)
    desk.pass_time(60)
    assert len(desk.registrar.batches) <= 25


def test_a_lost_right_is_told(make_desk):
    desk = make_desk(10)
    desk.registrar.revoked.add(3)
    desk.pass_time(CHECK_EVERY)
    assert [reader.code for reader in desk.readers] == [None] * 3 + [CloseCode.UNKNOWN] + [None] * 6


def test_a_notice_is_followed_at_once_and_by_those_it_concerns_only(make_desk):
    desk = make_desk(3)
    desk.registrar.revoked = {1, 2}
    desk.reauthorization.notice("subject:1")
    desk.pass_time(TICK)
    assert [reader.code for reader in desk.readers] == [None, CloseCode.UNKNOWN, None]


def test_a_notice_that_came_while_its_reader_was_let_in_is_followed_when_it_is(make_desk):
    desk = make_desk(3)
    desk.registrar.revoked = {7, 8}
    desk.reauthorization.notice("subject:7")
    desk.pass_time(ADMISSION - TICK)
    late, other = desk.open(7), desk.open(8)
    desk.pass_time(TICK)
    assert (late.code, other.code) == (CloseCode.UNKNOWN, None)
    assert sum(desk.registrar.batches) < 10


def test_an_older_notice_concerns_nobody_who_was_decided_on_after_it(make_desk):
    desk = make_desk(0)
    desk.reauthorization.notice("subject:7")
    desk.pass_time(ADMISSION + 2 * TICK)
    desk.open(7)
    desk.pass_time(TICK)
    assert desk.registrar.batches == []


def test_who_was_let_in_while_notices_were_lost_is_asked_about(make_desk):
    desk = make_desk(0)
    desk.reauthorization.notice_loss()
    desk.pass_time(9)
    desk.registrar.revoked = {7}
    late = desk.open(7)
    desk.pass_time(TICK)
    assert late.code == CloseCode.UNKNOWN


def test_after_lost_notices_everybody_is_asked_about_within_seconds(make_desk):
    desk = make_desk(3000)
    desk.pass_time(2 * CHECK_EVERY)
    desk.registrar.asked_at.clear()
    desk.registrar.batches.clear()
    desk.reauthorization.notice_loss()
    desk.pass_time(9)
    assert len(desk.registrar.asked_at) == 3000
    assert len(desk.registrar.batches) <= 9


def test_who_cannot_be_asked_about_stays_for_a_minute_more_and_no_longer(make_desk):
    desk = make_desk(1500)
    desk.registrar.is_down = True
    desk.pass_time(CHECK_EVERY)
    assert {reader.code for reader in desk.readers} == {None}
    desk.pass_time(CHECK_EVERY + 10)
    assert {reader.code for reader in desk.readers} == {CloseCode.TRY_AGAIN_LATER}


def test_an_authority_that_is_down_is_not_asked_by_all_at_once(make_desk):
    desk = make_desk(20_000)
    desk.registrar.is_down = True
    desk.pass_time(30)
    assert len(desk.registrar.batches) <= 15
    desk.registrar.is_down = False
    desk.pass_time(CHECK_EVERY)
    assert len(desk.registrar.asked_at) == 20_000
    assert {reader.code for reader in desk.readers} == {None}


def test_sources_without_an_authority_are_left_alone(make_desk):
    desk = make_desk(5)
    for reader in desk.readers:
        reader.authority = None
    desk.pass_time(CHECK_EVERY)
    assert desk.registrar.batches == []


def test_the_loop_goes_on_while_an_authority_is_asked(make_desk):
    desk = make_desk(5)
    asked, may_answer = threading.Event(), threading.Event()

    def review(rights):
        asked.set()
        assert may_answer.wait(5)
        return [CloseCode.UNKNOWN] * len(rights)

    desk.registrar.review = review
    desk.reauthorization.notice("subject:1")
    desk.clock.now += TICK
    desk.loop.run(desk.reauthorization.on_tick)
    assert asked.wait(5)
    reached = threading.Event()
    desk.loop.run(reached.set)
    assert reached.wait(5)
    may_answer.set()
    wait_until(lambda: desk.readers[1].code == CloseCode.UNKNOWN)
