"""Sends bare Celery chains and waits for their last publish: `python -m dev.bench.pipeline.chain_load WINDOW STEPS`."""

import os
import sys
import time
from collections.abc import Sequence
from uuid import uuid4

from redis import Redis

from dev.bench.load_process import LoadAnswer, serve_load
from dev.bench.pipeline.peers.celery_chain import CHANNEL, send_chain

_WAIT_SECONDS = 120


class ChainSender:
    """Keeps WINDOW chains under way."""

    def __init__(self, window: int, steps: int) -> None:
        self._window, self._steps = window, steps
        self._subscription = Redis.from_url(os.environ["REDIS_URL"]).pubsub(  # type: ignore[no-untyped-call]  # redis-py's
            ignore_subscribe_messages=True
        )
        self._subscription.subscribe(CHANNEL)

    def prepare(self, count: int) -> list[str]:
        return [str(uuid4()) for _ in range(count)]

    def run(self, session_ids: list[str]) -> LoadAnswer:
        began, sent, ended = time.perf_counter(), dict[str, float](), dict[str, float]()
        while len(ended) < len(session_ids):
            while len(sent) < len(session_ids) and len(sent) - len(ended) < self._window:
                session_id = session_ids[len(sent)]
                sent[session_id] = time.perf_counter()
                send_chain(session_id, self._steps)
            message = self._subscription.get_message(timeout=_WAIT_SECONDS)
            assert message or time.perf_counter() - began < _WAIT_SECONDS, "the chain stands still"
            session_id, _, number = (message["data"] if message else b"").decode().partition(" ")
            if number == str(self._steps - 1):
                ended[session_id] = time.perf_counter()
        seconds = time.perf_counter() - began
        return {"seconds": seconds, "latencies": [ended[one] - sent[one] for one in session_ids]}


def main(arguments: Sequence[str]) -> None:
    window, steps = map(int, arguments)
    sender = ChainSender(window, steps)
    serve_load(sender.prepare, sender.run)


if __name__ == "__main__":
    main(sys.argv[1:])
