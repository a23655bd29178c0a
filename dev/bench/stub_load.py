"""Plays web and poller for workers with stub tools: asks for the authentication, then says that the phone approved.

`python -m dev.bench.stub_load WINDOW [--rate PER_SECOND]`: at most WINDOW sessions are under way at once; with a rate
sessions arrive evenly whatever is under way, and are not approved. Speaks as `bench.talk` says.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from uuid import UUID

from sqlalchemy import select

from core.clock import clock
from core.names import Step
from dev.bench.ear import Ear
from dev.bench.stub_tools import with_stubs
from dev.bench.talk import Answer, serve
from models.collection import CollectionStep
from services.collection.requests import ask_for_simple_auth
from services.collection.run_engine import open_claim, record_approval
from services.collection.run_store import lock_run
from services.collection.sessions import start_session
from services.delivery.task_sender import TaskSender
from services.patients.identity import Identity
from services.stores import build_stores
from tasks.app import app, settings
from tasks.runtime import build_tools


class Player:
    """Web and poller in one."""

    def __init__(self, ear: Ear, window: int, rate: float | None) -> None:
        self._window, self._rate = window, rate
        self._stores = build_stores(settings, clock, TaskSender(app))
        self._tools = with_stubs(build_tools(settings, self._stores))
        self._ear = ear
        self._number = 0

    def prepare(self, count: int) -> list[str]:
        return [self._start_session() for _ in range(count)]

    def _start_session(self) -> str:
        self._number += 1
        phone = f"010{time.time_ns() // 1000 % 10**4:04d}{self._number:04d}"
        identity = Identity(
            user_name="김하늘", phone_no=phone, birthdate=date(1984, 5, 17), gender="M", private_auth_type="0"
        )
        with self._stores.unit_of_work() as work:
            started = start_session(
                work,
                identity,
                redirect_path=None,
                policy=self._stores.policy,
                sealer=self._stores.sealer,
                now=clock.now(),
                request_id="bench",
            )
        return started.session_id

    def run(self, session_ids: list[str]) -> Answer:
        return self._arrive(session_ids, self._rate) if self._rate else self._collect(session_ids)

    def _collect(self, session_ids: list[str]) -> Answer:
        """Keep WINDOW sessions under way until all have completed."""
        began, approved, ended, asked = time.monotonic(), dict[str, float](), dict[str, float](), 0
        while len(ended) < len(session_ids):
            if asked < len(session_ids) and asked - len(ended) < self._window:
                self._ask(UUID(session_ids[asked]))
                asked += 1
            elif not self._advance(session_ids[:asked], approved, ended):
                self._ear.wait_for_news()
        return {
            "seconds": max(ended.values()) - began,
            "latencies": [ended[one] - approved[one] for one in session_ids],
        }

    def _advance(self, session_ids: list[str], approved: dict[str, float], ended: dict[str, float]) -> bool:
        """Approve those that wait, note those that completed; False when there is nothing new."""
        before = len(approved) + len(ended)
        for one in session_ids:
            if one not in approved and self._ear.heard(one, "auth_waiting"):
                approved[one] = time.monotonic()
                self._approve(UUID(one))
            elif one not in ended and (moment := self._ear.heard(one, "completed")):
                ended[one] = moment
        return len(approved) + len(ended) > before

    def _ask(self, session_id: UUID) -> datetime:
        moment = datetime.now(UTC)
        with self._stores.unit_of_work() as work:
            ask_for_simple_auth(work, session_id, now=clock.now(), request_id="bench")
        return moment

    def _approve(self, session_id: UUID) -> None:
        with self._stores.unit_of_work() as work:
            claim = open_claim(lock_run(work.session, session_id), self._tools.sealer)
            record_approval(work, claim, 0, self._tools)

    def _arrive(self, session_ids: list[str], rate: float) -> Answer:
        """From the moment a session asks to the moment a worker begins its first step, by the steps' own records."""
        began, asked = time.monotonic(), dict[UUID, datetime]()
        for number, session_id in enumerate(session_ids):
            time.sleep(max(began + number / rate - time.monotonic(), 0))
            asked[UUID(session_id)] = self._ask(UUID(session_id))
        seconds = time.monotonic() - began
        for session_id in session_ids:
            self._ear.wait(session_id, "auth_waiting")
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
    with Ear(settings.stores.redis_url) as ear:
        player = Player(ear, options.window, options.rate)
        serve(player.prepare, player.run)


if __name__ == "__main__":
    main(sys.argv[1:])
