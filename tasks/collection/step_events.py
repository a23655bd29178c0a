"""Sends Celery's task events for each step of a chain, although steps that can go on do so in one task.

A Celery message costs more CPU than most steps; what an operator wants to see in Flower is the step's name, queue, time
and state. So the step tasks send no events by themselves, and this sends the same ones for each step. An event message
costs more than its content, too, so a thread sends them in batches, a few times a second.
"""

import threading
import time
from collections import deque
from contextlib import suppress
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

from celery import Celery
from celery.events import EventDispatcher

from core.broker import BROKER_ERRORS
from core.logs import get_logger
from core.names import Queue, Step, step_task

log = get_logger(__name__)

_GROUP = "task"
# The longest delay of an event; short enough to watch a step live.
_BATCH_SECONDS = 0.25
_BUFFER_LIMIT = 500


def poll_id(session_id: UUID) -> str:
    """The id of a session's poll: the worker begins it and the poller ends it, so both must know it."""
    return str(uuid5(NAMESPACE_OID, f"{session_id}:{Step.POLL_SIMPLE_AUTH}"))


class StepEvents:
    """One per process. A lost event is a lost line in Flower and nothing else: an unreachable broker is no error."""

    def __init__(self, celery: Celery, hostname: str) -> None:
        self._celery = celery
        self._hostname = hostname
        self._dispatcher: EventDispatcher | None = None
        self._buffer: deque[tuple[str, dict[str, object]]] = deque()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._never = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, step: Step, session_id: UUID, attempt: int) -> str:
        """The step has been taken and is running. Returns its id."""
        task_id = poll_id(session_id) if step == Step.POLL_SIMPLE_AUTH else str(uuid4())
        self._add(
            "task-received",
            task_id,
            name=step_task(step),
            args=f"('{session_id}',)",
            kwargs="{}",
            retries=attempt - 1,
            routing_key=Queue.COLLECTION.value,
            root_id=str(session_id),
        )
        self._add("task-started", task_id)
        return task_id

    def succeed(self, task_id: str, started: float, result: str) -> None:
        """`started` is of the monotonic clock."""
        self._add("task-succeeded", task_id, result=result, runtime=time.monotonic() - started)

    def fail(self, task_id: str, error: BaseException, *, retrying: bool) -> None:
        """Only the type of the error: its text is for the logs."""
        kind = "task-retried" if retrying else "task-failed"
        self._add(kind, task_id, exception=type(error).__name__, traceback="")

    def revoke(self, task_id: str) -> None:
        self._add("task-revoked", task_id, terminated=False, signum=None, expired=True)

    def flush(self) -> None:
        """Send what is in the buffer now."""
        with self._lock:
            try:
                self._publish()
            except BROKER_ERRORS as exc:
                log.info("task_events_not_sent", error=type(exc).__name__)
                self._reset()

    def _reset(self) -> None:
        """The buffer is dropped: while the broker is unreachable it would only grow."""
        self._buffer.clear()
        dispatcher, self._dispatcher = self._dispatcher, None
        with suppress(*BROKER_ERRORS):
            if dispatcher is not None:
                dispatcher.connection.release()

    def _add(self, kind: str, task_id: str, **fields: object) -> None:
        self._buffer.append((kind, {"uuid": task_id, "timestamp": time.time(), **fields}))
        if self._thread is None:
            self._thread = threading.Thread(target=self._flush_loop, name="step-events", daemon=True)
            self._thread.start()
        self._wake.set()

    def _flush_loop(self) -> None:
        while self._wake.wait():
            self._wake.clear()
            self._never.wait(_BATCH_SECONDS)
            self.flush()

    def _publish(self) -> None:
        if not self._buffer:
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
        while self._buffer:
            kind, fields = self._buffer.popleft()
            self._dispatcher.send(kind, **fields)
        self._dispatcher.flush(groups=[_GROUP])
