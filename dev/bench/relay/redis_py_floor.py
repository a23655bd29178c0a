"""The floor: redis-py alone, from the publish in one process to the callback in another. As a program: the listener."""

import os
import random
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Self

from redis import Redis

from dev.bench.cpu_time import cpu_spent_exactly
from dev.bench.load_process import LoadAnswer, LoadProcess, serve_load
from dev.bench.relay.options import RelayOptions
from dev.bench.relay.server_under_test import SERVER_CORE
from dev.bench.relay.testbed import Testbed
from dev.bench.relay.websocket_client import ClientLoop, take_core
from dev.bench.results import Metrics, percentile, percentiles_ms

_CHANNEL = "bench:floor:{}"
_PAYLOAD_BYTES = 300
_SILENCE_SECONDS = 1.0


class RedisPyFloor:
    """The listener's process, on the core of the servers."""

    def __init__(self, testbed: Testbed, options: RelayOptions, clients: ClientLoop) -> None:
        """The clients go on answering pings meanwhile."""
        self._testbed = testbed
        self._clients = clients
        self._options = options
        env = {**testbed.env, "BENCH_STREAMS": str(options.streams)}
        self._load = LoadProcess((sys.executable, "-m", "dev.bench.relay.redis_py_floor"), env)
        take_core(SERVER_CORE, self._load.pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self._load.__exit__(*details)

    def measure(self, seconds: float) -> Metrics:
        """Publish to subscribe at the rate of the others, and the append alone."""
        count = max(round(seconds * self._options.rate), 1)
        self._load.prepare(count)
        with ThreadPoolExecutor(1) as pool, cpu_spent_exactly(self._load.pid) as spent:
            answer = pool.submit(self._load.go)
            self._at_rate(count, self._publish)
            latencies = answer.result()["latencies"]
        appends = self._at_rate(count, self._append)
        publishing = percentiles_ms(latencies, "latency")
        return {
            **publishing,
            "latency_cpu_us_per_event": spent[0] / count * 1e6,
            **percentiles_ms(appends, "append"),
            "publish_p99_and_append_p50_ms": publishing["latency_p99_ms"] + percentile(appends, 0.5) * 1000,
        }

    def _at_rate(self, count: int, act: Callable[[], object]) -> list[float]:
        """How long each took."""
        seconds, due = [], time.monotonic()
        for _ in range(count):
            due += 1 / self._options.rate
            while (left := due - time.monotonic()) > 0:
                self._clients.poll(left)
            began = time.monotonic()
            act()
            seconds.append(time.monotonic() - began)
        return seconds

    def _publish(self) -> None:
        stamp = str(time.monotonic_ns()).ljust(_PAYLOAD_BYTES)
        self._testbed.redis.publish(_CHANNEL.format(random.randrange(self._options.streams)), stamp)

    def _append(self) -> None:
        """To streams that nobody follows, beyond those of the servers."""
        number = self._options.streams + 1 + random.randrange(self._options.streams)
        self._testbed.workload.append(number, [self._testbed.workload.event_body("floor")])


class RedisPyListener:
    """One redis-py subscription to as many channels as there are streams."""

    def __init__(self, url: str, channels: int) -> None:
        self._pubsub = Redis.from_url(url).pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call] # redis-py's
        self._pubsub.subscribe(*(_CHANNEL.format(number) for number in range(channels)))

    def prepare(self, count: int) -> int:
        while self._pubsub.get_message(timeout=0.5) is not None:
            pass
        return count

    def run(self, count: int) -> LoadAnswer:
        latencies: list[float] = []
        while len(latencies) < count:
            message = self._pubsub.get_message(timeout=_SILENCE_SECONDS)
            if message is not None:
                latencies.append((time.monotonic_ns() - int(message["data"])) / 1e9)
        return {"latencies": latencies}


def main() -> None:
    listener = RedisPyListener(os.environ["REDIS_URL"], int(os.environ["BENCH_STREAMS"]))
    serve_load(listener.prepare, listener.run)


if __name__ == "__main__":
    main()
