"""Readers that follow their streams, are cut off at random, and come back with the number of the last event read."""

import heapq
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from dev.bench.relay.websocket_client import ClientLoop, ClientSocket
from dev.bench.soak.workloads import SoakWorkload

_CHECK_SECONDS = 0.5
_HANDSHAKE_SECONDS = 20.0
_POLL_SECONDS = 0.02


@dataclass(eq=False)
class SoakReader:
    """Follows one stream with one socket after the other; the counts of the sockets before are added up."""

    number: int
    socket: ClientSocket
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
class Repeated:
    """An action that is done so many times a second; late turns are caught up with."""

    per_second: float
    act: Callable[[], None]
    due: float = field(default_factory=time.monotonic)

    def run(self, now: float) -> None:
        while self.per_second and now >= self.due:
            self.due += 1 / self.per_second
            self.act()


class Readers:
    def __init__(self, workload: SoakWorkload, count: int, *, rng: random.Random, absence_seconds: float) -> None:
        self._workload = workload
        self._rng = rng
        self._absence_seconds = absence_seconds
        self.clients = ClientLoop()
        sockets = self.clients.open([workload.connect_request(number, 0) for number in range(count)])
        self.all = [SoakReader(number, socket) for number, socket in enumerate(sockets)]
        self.cuts: Counter[str] = Counter()
        self._returns: list[tuple[float, int]] = []
        self._check_at = 0.0
        self._kinds: Sequence[tuple[str, Callable[[Sequence[ClientSocket]], None]]] = (
            ("close", self.clients.close),
            ("reset", self.clients.reset),
            ("half_close", self.clients.half_close),
        )

    def have_read_all(self) -> bool:
        return all(reader.socket.seq >= self._workload.written(reader.number) for reader in self.all)

    def cut_one(self) -> None:
        """A reader at random; one that is away already is spared."""
        reader = self._rng.choice(self.all)
        name, cut = self._rng.choice(self._kinds)
        if reader.socket.is_open:
            self.cuts[name] += 1
            cut([reader.socket])
            if reader.socket.is_closed:
                self._leave(reader)

    def run(self, seconds: float, actions: Sequence[Repeated], is_done: Callable[[], bool] = lambda: False) -> bool:
        """True as soon as it is done."""
        ends = time.monotonic() + seconds
        while (now := time.monotonic()) < ends:
            if is_done():
                return True
            for action in actions:
                action.run(now)
            self._bring_back(now)
            self.clients.poll(_POLL_SECONDS)
        return is_done()

    def _bring_back(self, now: float) -> None:
        if now >= self._check_at:
            self._check_at = now + _CHECK_SECONDS
            self._find_closed(now)
        while self._returns and self._returns[0][0] <= now:
            reader = self.all[heapq.heappop(self._returns)[1]]
            seq = reader.socket.seq
            reader.add_up()
            reader.is_away = False
            reader.socket = self.clients.connect(self._workload.connect_request(reader.number, seq))

    def _find_closed(self, now: float) -> None:
        """Ended by the server, or not let in for too long."""
        for reader in self.all:
            if reader.is_away:
                continue
            if reader.socket.live_at is None and now - reader.socket.opened_at > _HANDSHAKE_SECONDS:
                self.cuts["not_let_in"] += 1
                self.clients.reset([reader.socket])
            if reader.socket.is_closed:
                self._leave(reader)

    def _leave(self, reader: SoakReader) -> None:
        reader.is_away = True
        returns_at = time.monotonic() + self._rng.uniform(0, self._absence_seconds)
        heapq.heappush(self._returns, (returns_at, reader.number))
