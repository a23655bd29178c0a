"""Deals the blows, one after another, and takes away their causes again. Runs in the thread that owns the stack."""

import heapq
import itertools
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import psutil
import redis

from dev.bench.chaos.blows import WEIGHTS, Blow, Kind
from dev.bench.chaos.stage import Stage
from dev.bench.chaos.town import Town
from dev.bench.chaos.witness import Witness

_TICK = 0.02
_LEASE_SECONDS = 5.0
_CHILD_OF_CHOICE = 0.85
_RESTART = (0.0, 0.5)
_OUTAGE = (0.05, 2.0)
_CUT = (0.3, 4.0)
_STALL = (0.5, 7.0)
_HANG = (_LEASE_SECONDS + 1, _LEASE_SECONDS + 3)


class Killer:
    """`unwell` holds what is being hurt just now: the same thing is never hurt twice at once, and one worker at least
    is left to take over, for without one there is nothing to measure."""

    def __init__(
        self, stage: Stage, town: Town, witness: Witness, dice: random.Random, kinds: Sequence[Kind] = tuple(Kind)
    ) -> None:
        self._stage = stage
        self._stack = stage.stack
        self._town = town
        self._witness = witness
        self._dice = dice
        self._kinds = kinds
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._hands = ThreadPoolExecutor(2, thread_name_prefix="servers")
        self.unwell: dict[str, None] = {}
        self.blows: list[Blow] = []
        self.ended_by_themselves: Counter[str] = Counter()
        self._deal: dict[Kind, Callable[[Kind], Blow | None]] = {
            Kind.WORKER_CHILD: self._kill_child,
            Kind.WORKER: self._kill_worker,
            Kind.WORKER_ALONE: self._kill_worker,
            Kind.WEB: self._kill_web,
            Kind.WEB_CHILD: self._kill_web_child,
            Kind.BEAT: self._kill_beat,
            Kind.POLLER: self._kill_poller,
            Kind.SWEEPERS: self._kill_sweepers,
            Kind.FLUSH: self._flush,
            Kind.REDIS_KEPT: self._kill_redis,
            Kind.REDIS_LOST: self._kill_redis,
            Kind.POSTGRES_STOPPED: self._end_postgres,
            Kind.POSTGRES_KILLED: self._end_postgres,
            Kind.CUT_POSTGRES: self._harm_network,
            Kind.CUT_REDIS: self._harm_network,
            Kind.STALL_POSTGRES: self._harm_network,
            Kind.STALL_REDIS: self._harm_network,
            Kind.HANG_WORKER: self._hang_worker,
            Kind.HANG_CHILD: self._hang_child,
            Kind.HANG_POLLER: self._hang_poller,
        }

    def strike(self) -> Blow:
        """One blow of a kind that can be dealt just now."""
        while True:
            kind = self._dice.choices(self._kinds, [WEIGHTS[kind] for kind in self._kinds])[0]
            blow = self._deal[kind](kind)
            if blow is not None:
                self.blows.append(blow)
                return blow
            self.wait(_TICK)

    def wait(self, seconds: float) -> None:
        """Meanwhile causes end, and what was killed is started again."""
        deadline = time.monotonic() + seconds
        while True:
            while self._later and self._later[0][0] <= time.monotonic():
                heapq.heappop(self._later)[2]()
            self._tend()
            left = deadline - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(_TICK, left))

    def _tend(self) -> None:
        """As a supervisor does: what ended by itself is started again."""
        for name in self._stack.programs:
            if name not in self.unwell and not self._stack.is_running(name):
                self.ended_by_themselves[name] += 1
                self._restart(name)

    def heal(self) -> None:
        """Everything that was taken away comes back, in its own time."""
        while self._later:
            self.wait(_TICK)

    def _after(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._later, (time.monotonic() + seconds, next(self._numbers), action))

    def _between(self, bounds: tuple[float, float]) -> float:
        return self._dice.uniform(*bounds)

    # Who can be hurt

    def _able_workers(self) -> list[str]:
        """Workers that are well and hold leases; asked anew each time, as starting one takes seconds."""
        alive = self._witness.pids_alive()
        return [name for name in self._stage.workers if name not in self.unwell and alive & set(self._children(name))]

    def _spare_worker(self) -> str | None:
        """A worker that can be missed because another one is able."""
        able = self._able_workers()
        return self._dice.choice(able) if len(able) > 1 else None

    def _children(self, name: str) -> list[int]:
        pid = self._stack.pid(name)
        try:
            return [child.pid for child in psutil.Process(pid).children(recursive=True)]
        except psutil.Error:
            return []

    def _choose_child(self, workers: list[str]) -> tuple[str, int] | None:
        """Mostly one that holds a run, so that there is something to lose."""
        pairs = [(name, pid) for name in workers for pid in self._children(name)]
        busy = self._witness.pids_at_work()
        at_work = [pair for pair in pairs if pair[1] in busy]
        if at_work and self._dice.random() < _CHILD_OF_CHOICE:
            return self._dice.choice(at_work)
        return self._dice.choice(pairs) if pairs else None

    # Killing

    def _kill_child(self, kind: Kind) -> Blow | None:
        chosen = self._choose_child([name for name in self._stage.workers if name not in self.unwell])
        if chosen is None:
            return None
        blow = Blow(kind, time.time(), chosen[0], frozenset({chosen[1]}))
        _signal(chosen[1], signal.SIGKILL)
        return blow

    def _kill_worker(self, kind: Kind) -> Blow | None:
        name = self._spare_worker()
        if name is None:
            return None
        pids = frozenset(self._children(name))
        blow = Blow(kind, time.time(), name, pids)
        if kind is Kind.WORKER:
            self._stack.kill(name)
        else:
            # Its children finish what they hold, then find their pipe closed: nothing of theirs is lost.
            blow.pids = frozenset()
            _signal(self._stack.pid(name), signal.SIGKILL)
        self._restart(name)
        return blow

    def _kill_web(self, kind: Kind) -> Blow | None:
        return self._kill_program(kind, "web")

    def _kill_beat(self, kind: Kind) -> Blow | None:
        return self._kill_program(kind, "beat")

    def _kill_program(self, kind: Kind, name: str) -> Blow | None:
        if name in self.unwell:
            return None
        blow = Blow(kind, time.time(), name)
        self._stack.kill(name)
        self._restart(name)
        if kind is Kind.WEB:
            blow.probe = self._town.probe()
        return blow

    def _kill_web_child(self, kind: Kind) -> Blow | None:
        children = self._children("web")
        if "web" in self.unwell or not children:
            return None
        blow = Blow(kind, time.time(), "web")
        _signal(self._dice.choice(children), signal.SIGKILL)
        blow.probe = self._town.probe()
        return blow

    def _kill_poller(self, kind: Kind) -> Blow | None:
        name = self._choose_poller()
        if name is None:
            return None
        blow = Blow(kind, time.time(), name, frozenset({self._pid(name)}))
        self._stack.kill(name)
        self._restart(name)
        return blow

    def _choose_poller(self) -> str | None:
        able = [name for name in self._stage.pollers if name not in self.unwell]
        return self._dice.choice(able) if len(able) > 1 else None

    def _kill_sweepers(self, kind: Kind) -> Blow | None:
        if any(name in self.unwell for name in self._stage.sweepers):
            return None
        for name in self._stage.sweepers:
            self._stack.kill(name)
            self._restart(name)
        return self._kill_child(kind)

    def _restart(self, name: str) -> None:
        self.unwell[name] = None

        def start() -> None:
            self._stack.start(name)
            self.unwell.pop(name)

        self._after(self._between(_RESTART), start)

    # Stores

    def _flush(self, kind: Kind) -> Blow | None:
        if "valkey" in self.unwell:
            return None
        blow = Blow(kind, time.time(), "valkey")
        with redis.Redis.from_url(self._stack.valkey.url) as client:
            client.flushall()
        self._come_back(blow)
        return blow

    def _kill_redis(self, kind: Kind) -> Blow | None:
        if "valkey" in self.unwell:
            return None
        self.unwell["valkey"] = None
        blow = Blow(kind, time.time(), "valkey")
        self._stack.valkey.kill()

        keep = kind is Kind.REDIS_KEPT
        start = partial(self._stack.valkey.restart, keep_data=keep, kill=True)
        self._after(self._between(_OUTAGE), partial(self._bring_back, blow, start))
        return blow

    def _end_postgres(self, kind: Kind) -> Blow | None:
        if "postgres" in self.unwell:
            return None
        self.unwell["postgres"] = None
        blow = Blow(kind, time.time(), "postgres")
        if kind is Kind.POSTGRES_KILLED:
            self._stack.postgres.kill()
        else:
            self._stack.postgres.stop(immediate=True)

        start = self._stack.postgres.start
        self._after(self._between(_OUTAGE), partial(self._bring_back, blow, start))
        return blow

    def _bring_back(self, blow: Blow, start: Callable[[], None]) -> None:
        """Beside the blows: a recovery may take seconds. Those threads live on, as their children die with them."""
        starting = self._hands.submit(start)

        def look() -> None:
            if starting.done():
                starting.result()
                self._recovered(blow, blow.target)
            else:
                self._after(_TICK, look)

        look()

    def _recovered(self, blow: Blow, name: str) -> None:
        self.unwell.pop(name)
        self._come_back(blow)

    def _come_back(self, blow: Blow) -> None:
        blow.over_at = time.time()
        blow.probe = self._town.probe()

    # The network

    def _harm_network(self, kind: Kind) -> Blow | None:
        worker = self._spare_worker()
        if worker is None:
            return None
        store = "postgres" if kind in (Kind.CUT_POSTGRES, Kind.STALL_POSTGRES) else "valkey"
        action, bounds = ("cut", _CUT) if kind in (Kind.CUT_POSTGRES, Kind.CUT_REDIS) else ("stall", _STALL)
        self.unwell[worker] = None
        blow = Blow(kind, time.time(), worker)
        self._stage.tell_network(worker, store, action)

        def heal() -> None:
            self._stage.tell_network(worker, store, "heal")
            self._recovered(blow, worker)

        self._after(self._between(bounds), heal)
        return blow

    # Hanging

    def _hang_worker(self, kind: Kind) -> Blow | None:
        name = self._spare_worker()
        if name is None:
            return None
        pids = frozenset(self._children(name))
        self._stack.kill(name, signal.SIGSTOP)
        return self._hung(Blow(kind, time.time(), name, pids), lambda: self._stack.kill(name, signal.SIGCONT))

    def _hang_child(self, kind: Kind) -> Blow | None:
        able = self._able_workers()
        chosen = self._choose_child(able) if len(able) > 1 else None
        if chosen is None:
            return None
        name, pid = chosen
        _signal(pid, signal.SIGSTOP)
        return self._hung(Blow(kind, time.time(), name, frozenset({pid})), lambda: _signal(pid, signal.SIGCONT))

    def _hang_poller(self, kind: Kind) -> Blow | None:
        name = self._choose_poller()
        if name is None:
            return None
        self._stack.kill(name, signal.SIGSTOP)
        blow = Blow(kind, time.time(), name, frozenset({self._pid(name)}))
        return self._hung(blow, lambda: self._stack.kill(name, signal.SIGCONT))

    def _hung(self, blow: Blow, wake: Callable[[], Any]) -> Blow:
        self.unwell[blow.target] = None

        def go_on() -> None:
            wake()
            blow.over_at = time.time()
            self.unwell.pop(blow.target)

        self._after(self._between(_HANG), go_on)
        return blow

    def _pid(self, name: str) -> int:
        return self._stack.pid(name) or 0


def _signal(pid: int | None, what: signal.Signals) -> None:
    """To a child of our stack, which may have died by itself meanwhile."""
    try:
        psutil.Process(pid).send_signal(what)
    except psutil.NoSuchProcess:
        return
