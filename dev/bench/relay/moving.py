"""A deployment: one process is told to stop, and its sockets move to another that runs beside it.

Only our own server says when to come back, so there is no peer: what is held against it is the rate at which sockets
are let in, for a crowd that comes faster than that is a storm.
"""

import json
import time
from collections import Counter
from collections.abc import Sequence

from dev.bench.relay.client import ClientError, Crowd, Socket
from dev.bench.relay.plan import Plan
from dev.bench.relay.servers import Home, Welno
from dev.bench.results import Metrics, percentile

_GOING_AWAY = 1001
_ALL_WITHIN_SECONDS = 60
_APPEND_EVERY_SECONDS = 0.01
_LOOK_SECONDS = 0.05


class Mover:
    """One reader on its way: it comes at the moment that it was told, with the place at which it stood."""

    def __init__(self, stream: int, socket: Socket) -> None:
        self.stream = stream
        self.old = socket
        self.due: float | None = None
        self.new: Socket | None = None

    def look(self, now: float, target: Welno, crowd: Crowd) -> None:
        if self.due is None and self.old.is_closed:
            self.due = now + _told_seconds(self.old)
        if self.due is not None and self.new is None and now >= self.due:
            self.new = crowd.begin(target.ticket(self.stream, self.old.seq))

    @property
    def is_live(self) -> bool:
        return self.new is not None and self.new.live_at is not None


def measure_move(plan: Plan, home: Home) -> Metrics:
    """All sockets of one process come to another, while events go on."""
    crowd, source, target = Crowd(), Welno(home), Welno(home)
    target.name = "welno-next"
    source.settings = {"WELNO_RELAY_DRAIN_SPREAD_SECONDS": str(plan.spread_seconds)}
    source.have(plan.reconnecting)
    streams = range(plan.reconnecting)
    try:
        source.start()
        target.start()
        ends = [home.sessions.end(stream).seq for stream in streams]
        opened = crowd.open([source.ticket(stream, end) for stream, end in enumerate(ends)])
        movers = [Mover(stream, socket) for stream, socket in enumerate(opened)]
        began = time.monotonic()
        source.terminate()
        _move(movers, target, crowd)
        figures = _describe(movers, [home.sessions.end(stream).seq for stream in streams], crowd, began)
        crowd.reset([mover.new for mover in movers if mover.new is not None])
    finally:
        source.stop()
        target.stop()
    return figures


def _move(movers: Sequence[Mover], target: Welno, crowd: Crowd) -> None:
    """Events go to one stream after another all the time, whether its reader is here, there or on its way."""
    began, appended = time.monotonic(), 0
    while not all(mover.is_live for mover in movers):
        now = time.monotonic()
        if now - began > _ALL_WITHIN_SECONDS:
            missing = sum(not mover.is_live for mover in movers)
            raise ClientError(f"{missing} sockets did not arrive; ended by the servers: {dict(crowd.goodbyes)}")
        while appended * _APPEND_EVERY_SECONDS <= now - began:
            target.append(movers[appended % len(movers)].stream)
            appended += 1
        for mover in movers:
            mover.look(now, target, crowd)
        crowd.run_for(_LOOK_SECONDS)
    crowd.run_for(1)


def _told_seconds(socket: Socket) -> float:
    """What the goodbye says. Raises ClientError when there was none."""
    code, reason = int.from_bytes(socket.goodbye[:2]), socket.goodbye[2:]
    if code != _GOING_AWAY:
        raise ClientError(f"a socket was not sent away, but ended with {code}")
    return float(json.loads(reason)["retry_after_ms"]) / 1000


def _describe(movers: Sequence[Mover], ends: Sequence[int], crowd: Crowd, began: float) -> Metrics:
    arrived = [mover.new for mover in movers if mover.new is not None]
    waits = [one.live_at - one.opened_at for one in arrived if one.live_at is not None]
    absences = [one.live_at - began for one in arrived if one.live_at is not None]
    per_second = Counter(int(one.opened_at - began) for one in arrived)
    both = [(mover.old, mover.new) for mover in movers if mover.new is not None]
    return {
        "move_sockets": len(arrived),
        "move_all_live_after_s": max(absences),
        "move_most_in_a_second": max(per_second.values()),
        "move_come_to_live_p50_s": percentile(waits, 0.5),
        "move_come_to_live_p99_s": percentile(waits, 0.99),
        "move_lost_events": sum(
            old.lost + new.lost + end - new.seq for (old, new), end in zip(both, ends, strict=True)
        ),
        "move_doubled_events": sum(old.doubled + new.doubled for old, new in both),
        "move_other_goodbyes": sum(crowd.goodbyes.values()) - crowd.goodbyes[str(_GOING_AWAY)],
    }
