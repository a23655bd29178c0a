"""Sessions through the whole product over HTTP, against the provider sandbox, whose people approve when told."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import httpx

from dev.bench.cpu_time import cpu_spent
from dev.bench.event_listener import EventListener
from dev.bench.results import Metrics, percentiles_ms
from dev.bench.temporary_stack import open_stack
from dev.local.stack import Stack
from models.patients import ConsentKind

_PROCESSES = ("sandbox", "web", "worker", "poller", "sweeper", "beat")  # beat: web is ready once a worker answers
_WARM_UP = 5
# Limits that no person meets must not be what is measured, and the poll is to find an approval at once.
_SETTINGS = {
    "WELNO_BODY_LIMIT": "1000000 per hour",
    "WELNO_PUSH_LIMIT": "1000000 per hour",
    "WELNO_PUSH_PHONE_LIMIT": "1000000 per hour",
    "WELNO_POLL_INTERVAL_SECONDS": "0.05",
    "WELNO_POLL_SLOW_MAX_SECONDS": "0.05",
}


@dataclass(frozen=True)
class SessionTimes:
    """What one session took, in seconds."""

    start: float
    to_push: float
    to_completed: float


class PageClients:
    """Do what the page does, for invented people with ten checkups and 24 prescriptions each."""

    def __init__(self, stack: Stack, listener: EventListener) -> None:
        self._web = httpx.Client(base_url=f"{stack.web_url}/api/v1/tilko/session", timeout=60)
        self._control = httpx.Client(base_url=f"{stack.sandbox_url}/control", timeout=60)
        self._listener = listener

    def close(self) -> None:
        self._web.close()
        self._control.close()

    def add_people(self, numbers: range) -> None:
        for number in numbers:
            self._control.post("/people", json=_person(number)).raise_for_status()

    def collect(self, number: int) -> SessionTimes:
        began = time.monotonic()
        asked = _person(number) | {"private_auth_type": "0", "consents": list(ConsentKind)}
        started = self._web.post("/start", json=asked).raise_for_status().json()
        answered = time.monotonic()
        session_id, key = started["session_id"], {"Authorization": f"Bearer {started['session_token']}"}
        self._web.post(f"/simple-auth?session_id={session_id}", headers=key).raise_for_status()
        pushed, event = self._listener.wait_for(session_id, "auth_key_received")
        self._listener.wait_for(session_id, "auth_waiting")
        self._control.post("/approve", json={"CxId": event["data"]["cx_id"]}).raise_for_status()
        approved = time.monotonic()
        completed, _ = self._listener.wait_for(session_id, "completed")
        return SessionTimes(answered - began, pushed - answered, completed - approved)


def _person(number: int) -> dict[str, str]:
    return {"user_name": "김하늘", "birthdate": "19840517", "phone_no": f"0107777{number:04d}", "gender": "M"}


def measure_end_to_end(sessions: int, window: int) -> Metrics:
    """At most `window` sessions at once, with the product's own two worker processes."""
    with (
        open_stack(_PROCESSES, _SETTINGS) as stack,
        EventListener(stack.valkey.url) as listener,
        closing(PageClients(stack, listener)) as clients,
    ):
        return _measure(stack, clients, sessions, window)


def _measure(stack: Stack, clients: PageClients, sessions: int, window: int) -> Metrics:
    clients.add_people(range(sessions + _WARM_UP))
    pids = {name: stack.pid(name) or 0 for name in ("web", "worker", "poller", "sweeper", "postgres", "valkey")}
    with ThreadPoolExecutor(window) as pool:
        list(pool.map(clients.collect, range(sessions, sessions + _WARM_UP)))
        began = time.monotonic()
        with cpu_spent(pids) as cpu:
            times = list(pool.map(clients.collect, range(sessions)))
        seconds = time.monotonic() - began
    return {
        "sessions_per_second": sessions / seconds,
        **percentiles_ms([one.start for one in times], "session_start"),
        **percentiles_ms([one.to_push for one in times], "start_answer_to_push_sent"),
        **percentiles_ms([one.to_completed for one in times], "approval_to_completed"),
        **{f"{name}_cpu_ms_per_session": spent / sessions * 1000 for name, spent in cpu.items()},
    }
