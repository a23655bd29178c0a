"""Emptying, killing and stopping PostgreSQL and Redis, and cutting or stalling a worker's network to them."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import redis

from dev.bench.chaos.faults import FaultKind, Injection, Injector
from dev.bench.chaos.targets import Targets

_OUTAGE_SECONDS = (0.05, 2.0)
_CUT_SECONDS = (0.3, 4.0)
_STALL_SECONDS = (0.5, 7.0)
_ASK_AGAIN_SECONDS = 0.02
_AIM = 5.0


class StoreFaults:
    def __init__(self, targets: Targets) -> None:
        self._targets = targets
        self._stack = targets.stack
        # A recovery may take seconds. These threads live on, as the servers' processes end with them.
        self._starters = ThreadPoolExecutor(2, thread_name_prefix="servers")

    def all(self) -> dict[str, Injector]:
        return {
            FaultKind.REDIS_FLUSHED: Injector(10, self._flush_redis, _AIM),
            FaultKind.REDIS_KEPT: Injector(6, partial(self._kill_redis, keep_data=True), _AIM),
            FaultKind.REDIS_LOST: Injector(6, partial(self._kill_redis, keep_data=False), _AIM),
            FaultKind.POSTGRES_STOPPED: Injector(5, self._stop_postgres, _AIM),
            FaultKind.POSTGRES_KILLED: Injector(2, self._kill_postgres, _AIM),
            FaultKind.POSTGRES_CUT: Injector(5, partial(self._cut_network, store="postgres"), _AIM),
            FaultKind.REDIS_CUT: Injector(5, partial(self._cut_network, store="valkey"), _AIM),
            FaultKind.POSTGRES_STALLED: Injector(3, partial(self._stall_network, store="postgres"), _AIM),
            FaultKind.REDIS_STALLED: Injector(3, partial(self._stall_network, store="valkey"), _AIM),
        }

    def _flush_redis(self, kind: str) -> Injection | None:
        if "valkey" in self._targets.affected:
            return None
        injection = Injection(kind, time.time(), "valkey")
        with redis.Redis.from_url(self._stack.valkey.url) as client:
            client.flushall()
        self._end(injection)
        return injection

    def _kill_redis(self, kind: str, *, keep_data: bool) -> Injection | None:
        restart = partial(self._stack.valkey.restart, keep_data=keep_data, kill=True)
        return self._take_away(kind, "valkey", self._stack.valkey.kill, restart)

    def _stop_postgres(self, kind: str) -> Injection | None:
        stop = partial(self._stack.postgres.stop, immediate=True)
        return self._take_away(kind, "postgres", stop, self._stack.postgres.start)

    def _kill_postgres(self, kind: str) -> Injection | None:
        return self._take_away(kind, "postgres", self._stack.postgres.kill, self._stack.postgres.start)

    def _take_away(self, kind: str, store: str, end: Callable[[], None], start: Callable[[], None]) -> Injection | None:
        if store in self._targets.affected:
            return None
        self._targets.affected[store] = None
        injection = Injection(kind, time.time(), store)
        end()
        outage = self._targets.between(_OUTAGE_SECONDS)
        self._targets.after(outage, partial(self._start_beside, injection, start))
        return injection

    def _start_beside(self, injection: Injection, start: Callable[[], None]) -> None:
        """Other faults go on meanwhile."""
        starting = self._starters.submit(start)

        def look() -> None:
            if starting.done():
                starting.result()
                self._targets.affected.pop(injection.target)
                self._end(injection)
            else:
                self._targets.after(_ASK_AGAIN_SECONDS, look)

        look()

    def _cut_network(self, kind: str, *, store: str) -> Injection | None:
        return self._change_network(kind, store, "cut", _CUT_SECONDS)

    def _stall_network(self, kind: str, *, store: str) -> Injection | None:
        return self._change_network(kind, store, "stall", _STALL_SECONDS)

    def _change_network(self, kind: str, store: str, action: str, bounds: tuple[float, float]) -> Injection | None:
        worker = self._targets.choose_worker()
        if worker is None:
            return None
        self._targets.affected[worker] = None
        injection = Injection(kind, time.time(), worker)
        self._targets.cluster.change_network(worker, store, action)

        def heal() -> None:
            self._targets.cluster.change_network(worker, store, "heal")
            self._targets.affected.pop(worker)
            self._end(injection)

        self._targets.after(self._targets.between(bounds), heal)
        return injection

    def _end(self, injection: Injection) -> None:
        injection.over_at = time.time()
        injection.probe = self._targets.probe()
