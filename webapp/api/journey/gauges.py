"""What /metrics tells of the journey from PostgreSQL, whichever process made it so."""

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from services.journey.health import check_health
from services.journey.statistics import ExamDay, read_exam_days
from services.journey.work import Journeys, JourneyWork


def render_journey_gauges(journeys: Journeys) -> bytes:
    """Raises SQLAlchemyError."""
    ratio, days = journeys.read(_read)
    registry = CollectorRegistry()
    mismatch = Gauge(
        "welno_journey_mismatch_ratio", "People who are elsewhere than their entries say, of all.", registry=registry
    )
    waiting = Gauge("welno_journey_waiting", "People who wait for an exam.", ["exam"], registry=registry)
    error = Gauge(
        "welno_journey_wait_error_minutes", "Median error of today's told waits.", ["exam"], registry=registry
    )
    calls = Gauge(
        "welno_journey_calls_total",
        "Calls of today and their repetitions, by whether a phone has shown them.",
        ["seen"],
        registry=registry,
    )
    mismatch.set(ratio)
    for exam_id, one in days.items():
        waiting.labels(exam_id).set(one.waiting)
        if one.errors.median_error is not None:
            error.labels(exam_id).set(one.errors.median_error)
    calls.labels("yes").set(sum(one.calls_seen for one in days.values()))
    calls.labels("no").set(sum(one.calls_unseen for one in days.values()))
    return generate_latest(registry)


def _read(journey: JourneyWork) -> tuple[float, dict[str, ExamDay]]:
    return check_health(journey, journey.now).mismatch_ratio, read_exam_days(journey)
