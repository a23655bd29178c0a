"""People who follow their streams, are cut off at random, and come back with the number of the last event they saw."""

import heapq
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from dev.bench.relay.client import Crowd, Socket
from dev.bench.relay.servers import Server

_LOOK_SECONDS = 0.5
_PATIENCE_SECONDS = 20.0
_TURN_SECONDS = 0.02


@dataclass(eq=False)
class Person:
    """One stream, followed by one socket after the other; what the sockets before have got is added up."""

    stream: int
    socket: Socket
    is_away: bool = False
    events: int = 0
    lost: int = 0
    doubled: int = 0

    def add_up(self) -> None:
        self.events += self.socket.events
        self.lost += self.socket.lost
        self.doubled += self.socket.doubled
        self.socket.events = self.socket.lost = self.socket.doubled = 0


@dataclass
class Pace:
    """Something that is done so many times a second; late turns are caught up with."""

    per_second: float
    act: Callable[[], None]
    due: float = field(default_factory=time.monotonic)

    def run(self, now: float) -> None:
        while self.per_second and now >= self.due:
            self.due += 1 / self.per_second
            self.act()


class Town:
    def __init__(self, server: Server, people: int, *, dice: random.Random, absence_seconds: float) -> None:
        self._server = server
        self._dice = dice
        self._absence_seconds = absence_seconds
        self.crowd = Crowd()
        sockets = self.crowd.open([server.ticket(stream, 0) for stream in range(people)])
        self.people = [Person(stream, socket) for stream, socket in enumerate(sockets)]
        self.cuts: Counter[str] = Counter()
        self._returns: list[tuple[float, int]] = []
        self._look_at = 0.0
        self._kinds: Sequence[tuple[str, Callable[[Sequence[Socket]], None]]] = (
            ("close", self.crowd.close),
            ("reset", self.crowd.reset),
            ("half_close", self.crowd.half_close),
        )

    @property
    def away(self) -> int:
        """Without a socket that follows its stream."""
        return sum(person.socket.live_at is None or person.socket.is_closed for person in self.people)

    def append(self) -> None:
        self._server.append(self._dice.randrange(len(self.people)))

    def cut(self) -> None:
        """Whoever it meets; those who are away already are spared."""
        person = self._dice.choice(self.people)
        name, cut = self._dice.choice(self._kinds)
        if person.socket.is_open:
            self.cuts[name] += 1
            cut([person.socket])
            if person.socket.is_closed:
                self._leave(person)

    def live(self, seconds: float, paces: Sequence[Pace], is_done: Callable[[], bool] = lambda: False) -> bool:
        """True as soon as it is done."""
        ends = time.monotonic() + seconds
        while (now := time.monotonic()) < ends:
            if is_done():
                return True
            for pace in paces:
                pace.run(now)
            self._bring_back(now)
            self.crowd.turn(_TURN_SECONDS)
        return is_done()

    def _bring_back(self, now: float) -> None:
        if now >= self._look_at:
            self._look_at = now + _LOOK_SECONDS
            self._look_for_cut(now)
        while self._returns and self._returns[0][0] <= now:
            person = self.people[heapq.heappop(self._returns)[1]]
            seq = person.socket.seq
            person.add_up()
            person.is_away = False
            person.socket = self.crowd.begin(self._server.ticket(person.stream, seq))

    def _look_for_cut(self, now: float) -> None:
        """Ended by the server, or not let in for too long."""
        for person in self.people:
            if person.is_away:
                continue
            if person.socket.live_at is None and now - person.socket.opened_at > _PATIENCE_SECONDS:
                self.cuts["not_let_in"] += 1
                self.crowd.reset([person.socket])
            if person.socket.is_closed:
                self._leave(person)

    def _leave(self, person: Person) -> None:
        person.is_away = True
        returns_at = time.monotonic() + self._dice.uniform(0, self._absence_seconds)
        heapq.heappush(self._returns, (returns_at, person.stream))
