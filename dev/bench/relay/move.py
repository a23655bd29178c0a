"""A deployment: one process is told to stop, and its sockets move to another that runs beside it.

Only our own server says when to come back, so there is no peer: what it is compared with is the rate at which
sockets are let in: clients that come faster than that are a reconnect storm.
"""

import json
import time
from collections import Counter
from collections.abc import Sequence

from dev.bench.relay.options import RelayOptions
from dev.bench.relay.testbed import Testbed
from dev.bench.relay.websocket_client import ClientError, ClientLoop, ClientSocket
from dev.bench.relay.welno_server import WelnoServer
from dev.bench.results import Metrics, percentile

_GOING_AWAY = 1001
_ALL_WITHIN_SECONDS = 60
_APPEND_EVERY_SECONDS = 0.01
_ROUND_SECONDS = 0.05


class MovingReader:
    """Closed by the old process, it connects to the new one when the close frame said, with the last number it read."""

    def __init__(self, stream: int, socket: ClientSocket) -> None:
        self.stream = stream
        self.old = socket
        self.due: float | None = None
        self.new: ClientSocket | None = None

    def advance(self, now: float, target: WelnoServer, clients: ClientLoop) -> None:
        if self.due is None and self.old.is_closed:
            self.due = now + _retry_seconds(self.old)
        if self.due is not None and self.new is None and now >= self.due:
            self.new = clients.connect(target.connect_request(self.stream, self.old.seq))

    @property
    def is_live(self) -> bool:
        return self.new is not None and self.new.live_at is not None


def measure_move(options: RelayOptions, testbed: Testbed) -> Metrics:
    """All sockets of one process come to another, while events go on."""
    clients, source, target = ClientLoop(), WelnoServer(testbed), WelnoServer(testbed)
    target.name = "welno-next"
    source.settings = {"WELNO_RELAY_DRAIN_SPREAD_SECONDS": str(options.spread_seconds)}
    source.create_streams(options.reconnecting)
    streams = range(options.reconnecting)
    try:
        source.start()
        target.start()
        ends = [testbed.workload.last_seq(stream) for stream in streams]
        opened = clients.open([source.connect_request(stream, end) for stream, end in enumerate(ends)])
        readers = [MovingReader(stream, socket) for stream, socket in enumerate(opened)]
        began = time.monotonic()
        source.terminate()
        _move(readers, target, clients)
        figures = _describe(readers, [testbed.workload.last_seq(stream) for stream in streams], clients, began)
        clients.reset([reader.new for reader in readers if reader.new is not None])
    finally:
        source.stop()
        target.stop()
    return figures


def _move(readers: Sequence[MovingReader], target: WelnoServer, clients: ClientLoop) -> None:
    """Events go to one stream after another all the time, whether its reader is here, there or on its way."""
    began, appended = time.monotonic(), 0
    while not all(reader.is_live for reader in readers):
        now = time.monotonic()
        if now - began > _ALL_WITHIN_SECONDS:
            missing = sum(not reader.is_live for reader in readers)
            raise ClientError(
                f"{missing} sockets did not arrive; ended by the servers: {dict(clients.ended_by_server)}"
            )
        while appended * _APPEND_EVERY_SECONDS <= now - began:
            target.append(readers[appended % len(readers)].stream)
            appended += 1
        for reader in readers:
            reader.advance(now, target, clients)
        clients.run_for(_ROUND_SECONDS)
    clients.run_for(1)


def _retry_seconds(socket: ClientSocket) -> float:
    """What the close frame says. Raises ClientError when there was none."""
    code, reason = int.from_bytes(socket.close_payload[:2]), socket.close_payload[2:]
    if code != _GOING_AWAY:
        raise ClientError(f"a socket was not told to come back, but closed with {code}")
    return float(json.loads(reason)["retry_after_ms"]) / 1000


def _describe(readers: Sequence[MovingReader], ends: Sequence[int], clients: ClientLoop, began: float) -> Metrics:
    arrived = [reader.new for reader in readers if reader.new is not None]
    waits = [one.live_at - one.opened_at for one in arrived if one.live_at is not None]
    absences = [one.live_at - began for one in arrived if one.live_at is not None]
    per_second = Counter(int(one.opened_at - began) for one in arrived)
    both = [(reader.old, reader.new) for reader in readers if reader.new is not None]
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
        "move_other_closes": sum(clients.ended_by_server.values()) - clients.ended_by_server[str(_GOING_AWAY)],
    }
