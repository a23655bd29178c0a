"""Shows each step of a chain in Flower as a task of its own, although steps that can go on do so in one process.

A Celery message costs more CPU than most steps; what an operator wants is the step's name, queue, time and state.
So the step tasks send no events by themselves, and this sends the same ones for each step. A message costs more than
what it says here, too, so a thread sends what was gathered a few times a second.
"""

import threading
import time
from collections import deque
from contextlib import suppress
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

from celery import Celery
from celery.events import EventDispatcher

from core.logs import get_logger
from core.names import Queue, Step, step_task
from services.delivery.task_sender import BROKER_AWAY

log = get_logger(__name__)

_GROUP = "task"
# So late may Flower learn of a step; short enough to watch one live.
_GATHER_SECONDS = 0.1
_BUFFER_LIMIT = 500


def poll_id(session_id: UUID) -> str:
    """The id of a session's poll: the worker begins it and the poller ends it, so both must know it."""
    return str(uuid5(NAMESPACE_OID, f"{session_id}:{Step.POLL_SIMPLE_AUTH}"))


class StepDisplay:
    """One per process. A lost event is a lost line in Flower and nothing else: a broker that is away is no error."""

    def __init__(self, celery: Celery, hostname: str) -> None:
        self._celery = celery
        self._hostname = hostname
        self._dispatcher: EventDispatcher | None = None
        self._gathered: deque[tuple[str, dict[str, object]]] = deque()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._gathering = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, step: Step, session_id: UUID, attempt: int) -> str:
        """The step has been taken and is running. Returns its id."""
        task_id = poll_id(session_id) if step == Step.POLL_SIMPLE_AUTH else str(uuid4())
        self._send(
            "task-received",
            task_id,
            name=step_task(step),
            args=f"('{session_id}',)",
            kwargs="{}",
            retries=attempt - 1,
            routing_key=Queue.COLLECTION.value,
            root_id=str(session_id),
        )
        self._send("task-started", task_id)
        return task_id

    def succeed(self, task_id: str, started: float, result: str) -> None:
        """`started` is of the monotonic clock."""
        self._send("task-succeeded", task_id, result=result, runtime=time.monotonic() - started)

    def fail(self, task_id: str, error: BaseException, *, retrying: bool) -> None:
        """Only the type of the error: its text is for the logs."""
        kind = "task-retried" if retrying else "task-failed"
        self._send(kind, task_id, exception=type(error).__name__, traceback="")

    def revoke(self, task_id: str) -> None:
        self._send("task-revoked", task_id, terminated=False, signum=None, expired=True)

    def flush(self) -> None:
        """Let Flower see what was gathered, now."""
        with self._lock:
            try:
                self._publish()
            except BROKER_AWAY as exc:
                log.info("flower_not_told", error=type(exc).__name__)
                self._start_anew()

    def _start_anew(self) -> None:
        """What was gathered is forgotten: while the broker is away it would only grow."""
        self._gathered.clear()
        dispatcher, self._dispatcher = self._dispatcher, None
        with suppress(*BROKER_AWAY):
            if dispatcher is not None:
                dispatcher.connection.release()

    def _send(self, kind: str, task_id: str, **fields: object) -> None:
        self._gathered.append((kind, {"uuid": task_id, "timestamp": time.time(), **fields}))
        if self._thread is None:
            self._thread = threading.Thread(target=self._flush_often, name="step-display", daemon=True)
            self._thread.start()
        self._wake.set()

    def _flush_often(self) -> None:
        while self._wake.wait():
            self._wake.clear()
            # Nobody sets it: waiting on it is how a thread gathers for a while.
            self._gathering.wait(_GATHER_SECONDS)
            self.flush()

    def _publish(self) -> None:
        if not self._gathered:
            return
        if self._dispatcher is None:
            self._dispatcher = EventDispatcher(
                self._celery.connection_for_write(),
                hostname=self._hostname,
                app=self._celery,
                buffer_while_offline=False,
                buffer_group={_GROUP},
                buffer_limit=_BUFFER_LIMIT,
            )
        while self._gathered:
            kind, fields = self._gathered.popleft()
            self._dispatcher.send(kind, **fields)
        self._dispatcher.flush(groups=[_GROUP])
