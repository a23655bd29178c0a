"""Small periodic jobs: the canary that shows that a worker answers."""

from core.clock import clock
from core.names import CANARY_KEY, Task
from tasks.app import app, settings
from tasks.runtime import runtime

_MISSED_BEATS = 3


@app.task(name=Task.CANARY)
def canary() -> None:
    """Write down that a worker took a task just now; `/readyz` reads it. Twice is once."""
    seconds = int(settings.processes.canary_interval_seconds * _MISSED_BEATS) + 1
    runtime().stores.redis.set(CANARY_KEY, clock.now().isoformat(), ex=max(seconds, 10))
