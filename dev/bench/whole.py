"""Sessions through the whole product over HTTP, against the provider sandbox, whose people approve when told."""

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx

from dev.bench.cpu import cpu_spent
from dev.bench.ear import Ear
from dev.bench.figures import Figures, spread
from dev.local.stack import Stack

_PROCESSES = ("sandbox", "web", "worker", "poller", "sweeper", "beat")  # beat: web is ready once a worker answers
_WARM_UP = 5
# Limits that no person meets must not be what is measured, and the poll is to find an approval at once.
_SETTINGS = {
    "WELNO_START_LIMIT": "1000000 per hour",
    "WELNO_START_PHONE_LIMIT": "1000000 per hour",
    "WELNO_SIMPLE_AUTH_LIMIT": "1000000 per hour",
    "WELNO_POLL_INTERVAL_SECONDS": "0.05",
    "WELNO_POLL_SLOW_MAX_SECONDS": "0.05",
}


@dataclass(frozen=True)
class Story:
    """What one session took, in seconds."""

    start: float
    to_push: float
    to_completed: float


class Visitors:
    """Invented people with ten checkups and 24 prescriptions each, who do what the page does."""

    def __init__(self, stack: Stack, ear: Ear) -> None:
        self._web = httpx.Client(base_url=f"{stack.web_url}/api/v1/tilko/session", timeout=60)
        self._control = httpx.Client(base_url=f"{stack.sandbox_url}/control", timeout=60)
        self._ear = ear

    def close(self) -> None:
        self._web.close()
        self._control.close()

    def add_people(self, numbers: range) -> None:
        for number in numbers:
            person = {"user_name": "김하늘", "birthdate": "19840517", "phone_no": f"0107777{number:04d}", "gender": "M"}
            self._control.post("/people", json=person).raise_for_status()

    def collect(self, number: int) -> Story:
        person = {"user_name": "김하늘", "birthdate": "19840517", "phone_no": f"0107777{number:04d}", "gender": "M"}
        terms = {"private_auth_type": "0"}
        began = time.monotonic()
        started = self._web.post("/start", json=person | terms).raise_for_status().json()
        answered = time.monotonic()
        session_id, key = started["session_id"], {"Authorization": f"Bearer {started['session_token']}"}
        self._web.post(f"/simple-auth?session_id={session_id}", headers=key).raise_for_status()
        pushed, event = self._ear.wait(session_id, "auth_key_received")
        self._ear.wait(session_id, "auth_waiting")
        self._control.post("/approve", json={"CxId": event["data"]["cx_id"]}).raise_for_status()
        approved = time.monotonic()
        completed, _ = self._ear.wait(session_id, "completed")
        return Story(answered - began, pushed - answered, completed - approved)


def measure_whole(sessions: int, window: int) -> Figures:
    """At most `window` sessions at once, with the product's own two worker processes."""
    with tempfile.TemporaryDirectory(prefix="welno-bench-") as folder:
        Path(folder).chmod(0o711)
        with Stack(Path(folder), env_overrides=_SETTINGS, processes=_PROCESSES) as stack, Ear(stack.valkey.url) as ear:
            visitors = Visitors(stack, ear)
            try:
                return _measure(stack, visitors, sessions, window)
            finally:
                visitors.close()


def _measure(stack: Stack, visitors: Visitors, sessions: int, window: int) -> Figures:
    visitors.add_people(range(sessions + _WARM_UP))
    pids = {name: stack.pid(name) or 0 for name in ("web", "worker", "poller", "sweeper", "postgres", "valkey")}
    with ThreadPoolExecutor(window) as pool:
        list(pool.map(visitors.collect, range(sessions, sessions + _WARM_UP)))
        began = time.monotonic()
        with cpu_spent(pids) as cpu:
            stories = list(pool.map(visitors.collect, range(sessions)))
        seconds = time.monotonic() - began
    return {
        "sessions_per_second": sessions / seconds,
        **spread([story.start for story in stories], "session_start"),
        **spread([story.to_push for story in stories], "start_answer_to_push_sent"),
        **spread([story.to_completed for story in stories], "approval_to_completed"),
        **{f"{name}_cpu_ms_per_session": spent / sessions * 1000 for name, spent in cpu.items()},
    }
