"""Writers that note what was acknowledged to them, and what the log has of it."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import redis
from sqlalchemy import text
from sqlalchemy.orm import sessionmaker

from core.clock import clock
from core.settings.addresses import read_database_url
from services.database import STORE_AWAY, connect_database
from services.delivery.partitions import keep_partitions
from tests.integration.delivery.conftest import KINDS, Log
from tests.waiting import wait_until

WRITERS = 4


class Acknowledged(NamedTuple):
    """One event that a commit was acknowledged for."""

    subject: str
    seq: int
    epoch: str
    value: str


@dataclass
class Writers:
    """Each goes on for as long as the block lasts, whatever is refused; two of them share a subject."""

    log: Log
    acknowledged: list[Acknowledged] = field(default_factory=list)
    refused: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)

    def write(self, writer: int, number: int) -> None:
        subject, value = f"screen:{writer // 2}", f"{writer}-{number}"
        with self.log.unit_of_work() as work:
            work.emit(subject, {"type": "test", "value": value})
            position = work.position(subject)
            assert position is not None
        self.acknowledged.append(Acknowledged(subject, position.seq, position.epoch, value))

    @contextmanager
    def at_work(self) -> Iterator[None]:
        with ThreadPoolExecutor(WRITERS) as pool:
            running = [pool.submit(self._go_on, writer) for writer in range(WRITERS)]
            try:
                yield
            finally:
                self._ended.set()
        for one in running:
            one.result()

    def wait_for_more(self, count: int = 100) -> None:
        goal = len(self.acknowledged) + count
        wait_until(lambda: len(self.acknowledged) >= goal, 60)

    def find_lost(self) -> list[Acknowledged]:
        """What was acknowledged and is not in the log, or with another value."""
        logged = self.logged()
        return [one for one in self.acknowledged if logged[one.subject].get(one.seq) != one.value]

    def logged(self) -> defaultdict[str, dict[int, str]]:
        """The value of each number of each subject."""
        values: defaultdict[str, dict[int, str]] = defaultdict(dict)
        with self.log.sessions() as session:
            query = text(
                "select subject, seq, body::jsonb ->> 'value' from welno.welno_events where subject like 'screen:%'"
            )
            for subject, seq, value in session.execute(query):
                values[subject][seq] = value
        return values

    def find_doubled(self) -> set[tuple[str, str, int]]:
        """Numbers of an epoch that were acknowledged for two events."""
        seen: set[tuple[str, str, int]] = set()
        places = [(one.subject, one.epoch, one.seq) for one in self.acknowledged]
        return {place for place in places if place in seen or seen.add(place)}

    def _go_on(self, writer: int) -> None:
        pause, number = threading.Event(), 0
        while not self._ended.is_set():
            number += 1
            try:
                self.write(writer, number)
            except STORE_AWAY:
                self.refused += 1
                pause.wait(0.02)


@contextmanager
def writers_on(url: str, redis_client: redis.Redis) -> Iterator[Writers]:
    """By the product's own engine; `url` as an operator writes it."""
    engine = connect_database(read_database_url(url), pool_size=WRITERS, clock=clock)
    log = Log(sessionmaker(engine), redis_client)
    with log.sessions.begin() as session:
        keep_partitions(session, KINDS, clock.now().date())
    try:
        yield Writers(log)
    finally:
        engine.dispose()
