"""Workflow runs: begun by a call, finished whether or not anybody still listens, found again in the logs."""

import asyncio
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import orjson

from dev.sandbox.miso.analysis import Outputs, analyse, digest_of, seconds_for, text_of, tokens_for
from dev.sandbox.miso.shapes import USUAL_SHAPES, shape_answer, shape_outputs
from dev.sandbox.miso.traits import MisoTraits

RUNNING, SUCCEEDED, FAILED, STOPPED = "running", "succeeded", "failed", "stopped"
STEPS = 3
# A workflow that is told to stop looks for that between two of its pieces, long after the caller has its answer.
STOP_SECONDS = 0.5
WORKFLOW_ID = str(uuid.UUID(int=0x4D49534F))


@dataclass(slots=True)
class WorkflowRun:
    """`status` None of the traits: it succeeds."""

    inputs: Outputs
    user: str
    traits: MisoTraits
    is_streamed: bool
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    task_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    created_at: int = field(default_factory=lambda: int(time.time()))
    status: str = RUNNING
    outputs: Any = None
    error: str | None = None
    finished_at: int | None = None
    elapsed_seconds: float = 0.0
    done: asyncio.Event = field(default_factory=asyncio.Event)
    _is_to_stop: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def shape(self) -> str:
        return self.traits.outputs or USUAL_SHAPES[digest_of(text_of(self.inputs)) % len(USUAL_SHAPES)]

    @property
    def is_finished(self) -> bool:
        return self.finished_at is not None

    @property
    def seconds(self) -> float:
        given = self.traits.workflow_seconds
        return seconds_for(self.inputs) if given is None else given

    async def work(self) -> None:
        """Until it is done, or was stopped; one whose answer says that it is running can only be stopped."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self.seconds):
                await self._is_to_stop.wait()
        except TimeoutError:
            self._finish(self.traits.workflow_status or SUCCEEDED, time.monotonic() - began)
        if not self.is_finished:
            await self._is_to_stop.wait()
            await asyncio.sleep(STOP_SECONDS)
            self._finish(STOPPED, time.monotonic() - began)

    def stop(self) -> None:
        """It ends a moment later."""
        self._is_to_stop.set()

    def _finish(self, status: str, elapsed_seconds: float) -> None:
        self.status = status
        self.elapsed_seconds = round(elapsed_seconds, 3)
        if status == FAILED:
            self.error = "model provider did not answer"
        elif status != STOPPED:
            self.outputs = shape_outputs(analyse(self.inputs), self.shape)
        if status != RUNNING:
            self.finished_at = int(time.time())
        self.done.set()

    @property
    def ids(self) -> dict[str, str]:
        return {"task_id": self.task_id, "workflow_run_id": self.run_id}

    def describe_result(self) -> Outputs:
        return {
            "id": self.run_id,
            "workflow_id": WORKFLOW_ID,
            "status": self.status,
            "outputs": self.outputs,
            "error": self.error,
            "elapsed_time": self.elapsed_seconds,
            "total_tokens": tokens_for(self.inputs) if self.is_finished else 0,
            "total_steps": STEPS if self.is_finished else 0,
            "created_at": self.created_at,
            "finished_at": self.finished_at,
        }

    def describe_answer(self) -> Outputs:
        return shape_answer(self.ids, self.describe_result(), self.shape)

    def describe_detail(self) -> Outputs:
        """The inputs come as JSON text, as they do from Dify."""
        return self.describe_result() | {"inputs": orjson.dumps(self.inputs).decode()}

    def describe_log(self) -> Outputs:
        result = self.describe_result()
        names = ("id", "status", "error", "elapsed_time", "total_tokens", "total_steps", "created_at", "finished_at")
        end_user = {"id": self.user, "type": "service_api", "is_anonymous": False, "session_id": self.user}
        return {
            "id": self.task_id,
            "workflow_run": {name: result[name] for name in names} | {"version": "1"},
            "created_from": "service-api",
            "created_by_role": "end_user",
            "created_by_end_user": end_user,
            "created_at": self.created_at,
        }

    def mentions(self, keyword: str) -> bool:
        texts = (self.user, self.run_id, *map(str, self.inputs.values()))
        return any(keyword in text for text in texts)


class WorkflowRuns:
    """By run id, in the order in which they began."""

    def __init__(self) -> None:
        self._runs: dict[str, WorkflowRun] = {}
        self._working: set[asyncio.Task[None]] = set()

    def start(self, run: WorkflowRun) -> None:
        """It goes on by itself: a client that leaves does not end it."""
        self._runs[run.run_id] = run
        working = asyncio.get_running_loop().create_task(run.work())
        self._working.add(working)
        working.add_done_callback(self._working.discard)

    def find(self, run_id: str) -> WorkflowRun | None:
        return self._runs.get(run_id)

    def find_task(self, task_id: str) -> WorkflowRun | None:
        return next((run for run in self._runs.values() if run.task_id == task_id), None)

    def list_finished(self, keyword: str, status: str) -> list[WorkflowRun]:
        """Newest first."""
        finished = (run for run in reversed(self._runs.values()) if run.is_finished)
        return [run for run in finished if status in ("", run.status) and (not keyword or run.mentions(keyword))]
