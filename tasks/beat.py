"""Beat's scheduler, which goes on when its host's clock is set back."""

from typing import Any

from celery.beat import ScheduleEntry, Scheduler


class SetBackTolerantScheduler(Scheduler):  # type: ignore[misc] # Celery has no types
    """Celery's own waits until a clock that was set back has come to the last run again: an hour, or a year."""

    def is_due(self, entry: ScheduleEntry) -> Any:
        entry.last_run_at = min(entry.last_run_at, entry.schedule.now())
        return super().is_due(entry)
