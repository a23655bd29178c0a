"""What is told of a place in a line: the body of `queue.update`, and of the estimate in it."""

from datetime import datetime
from typing import Any

from core.names import JourneyEvent
from services.journey.estimates import Estimate
from services.journey.lines import LineEntry


def estimate_body(estimate: Estimate) -> dict[str, Any]:
    return {
        "minutes": estimate.minutes,
        "low": estimate.low,
        "high": estimate.high,
        "basis": str(estimate.basis),
    }


def queue_update_body(entry: LineEntry, estimate: Estimate | None, at: datetime) -> dict[str, Any]:
    """Without an estimate for whoever is called or inside."""
    return {
        "type": JourneyEvent.QUEUE_UPDATE,
        "timestamp": at.isoformat(),
        "data": {
            "queue_id": str(entry.queue_id),
            "state": str(entry.state),
            "queue_number": entry.queue_number,
            "position": entry.position,
            "ahead": entry.ahead,
            "estimated_wait_time": estimate and estimate.minutes,
            "estimate": estimate and estimate_body(estimate),
            "updated_at": at.isoformat(),
        },
    }
