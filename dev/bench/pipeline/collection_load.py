"""Plays web and poller for workers with stub tools: asks for the authentication, then says that the phone approved.

`python -m dev.bench.pipeline.collection_load WINDOW [--rate PER_SECOND]`: at most WINDOW sessions are under way at
once; with a rate sessions arrive evenly whatever is under way, and are not approved. A load as `load_process` describes
it.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select

from core.clock import clock
from core.names import Step
from dev.bench.event_listener import EventListener
from dev.bench.load_process import LoadAnswer, serve_load
from dev.bench.pipeline.stub_tools import with_stubs
from dev.bench.sessions import begin_sessions
from models.collection import CollectionStep
from services.collection.run_engine import open_claim, record_approval
from services.collection.run_store import lock_run
from services.delivery.task_sender import TaskSender
from services.stores import build_stores
from tasks.app import app, settings
from tasks.runtime import build_tools


class CollectionLoad:
    def __init__(self, listener: EventListener, window: int, rate: float | None) -> None:
        self._window, self._rate = window, rate
        self._stores = build_stores(settings, clock, TaskSender(app))
        self._tools = with_stubs(build_tools(settings, self._stores))
        self._listener = listener
        self._number = 0

    def prepare(self, count: int) -> list[str]:
        return [one.session_id for one in begin_sessions(self._stores, [self._next_phone() for _ in range(count)])]

    def _next_phone(self) -> str:
        """Another run of the load has others."""
        self._number += 1
        return f"010{time.time_ns() // 1000 % 10**4:04d}{self._number:04d}"

    def run(self, session_ids: list[str]) -> LoadAnswer:
        return self._arrive(session_ids, self._rate) if self._rate else self._collect(session_ids)

    def _collect(self, session_ids: list[str]) -> LoadAnswer:
        """Keep WINDOW sessions under way until all have completed."""
        began, approved, ended, asked = time.monotonic(), dict[str, float](), dict[str, float](), 0
        while len(ended) < len(session_ids):
            if asked < len(session_ids) and asked - len(ended) < self._window:
                self._ask(UUID(session_ids[asked]))
                asked += 1
            elif not self._advance(session_ids[:asked], approved, ended):
                self._listener.wait_for_any()
        return {
            "seconds": max(ended.values()) - began,
            "latencies": [ended[one] - approved[one] for one in session_ids],
        }

    def _advance(self, session_ids: list[str], approved: dict[str, float], ended: dict[str, float]) -> bool:
        """Approve those that wait, note those that completed; False when there is nothing new."""
        before = len(approved) + len(ended)
        for one in session_ids:
            if one not in approved and self._listener.received_at(one, "auth_waiting"):
                approved[one] = time.monotonic()
                self._approve(UUID(one))
            elif one not in ended and (moment := self._listener.received_at(one, "completed")):
                ended[one] = moment
        return len(approved) + len(ended) > before

    def _ask(self, session_id: UUID) -> datetime:
        moment = datetime.now(UTC)
        with self._stores.unit_of_work() as work:
            self._stores.pushes.ask(work, session_id, now=clock.now(), request_id="bench")
        return moment

    def _approve(self, session_id: UUID) -> None:
        with self._stores.unit_of_work() as work:
            claim = open_claim(lock_run(work.session, session_id), self._tools.sealer)
            record_approval(work, claim, 0, self._tools)

    def _arrive(self, session_ids: list[str], rate: float) -> LoadAnswer:
        """From the moment a session asks to the moment a worker begins its first step, by the steps' own records."""
        began, asked = time.monotonic(), dict[UUID, datetime]()
        for number, session_id in enumerate(session_ids):
            time.sleep(max(began + number / rate - time.monotonic(), 0))
            asked[UUID(session_id)] = self._ask(UUID(session_id))
        seconds = time.monotonic() - began
        for session_id in session_ids:
            self._listener.wait_for(session_id, "auth_waiting")
        return {"seconds": seconds, "latencies": self._first_steps(asked)}

    def _first_steps(self, asked: dict[UUID, datetime]) -> list[float]:
        query = select(CollectionStep.session_id, CollectionStep.started_at).where(
            CollectionStep.session_id.in_(asked), CollectionStep.step == Step.REQUEST_SIMPLE_AUTH
        )
        with self._stores.sessions() as session:
            return [(row.started_at - asked[row.session_id]).total_seconds() for row in session.execute(query)]


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("window", type=int)
    parser.add_argument("--rate", type=float)
    options = parser.parse_args(arguments)
    with EventListener(settings.stores.redis_url) as listener:
        load = CollectionLoad(listener, options.window, options.rate)
        serve_load(load.prepare, load.run)


if __name__ == "__main__":
    main(sys.argv[1:])
