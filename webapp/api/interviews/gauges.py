"""What /metrics tells of the analyses from PostgreSQL, whichever process has counted it."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from core.names import ProcessKind
from services.interviews.counts import (
    EXTRACTIONS,
    MASKED,
    MISO_CALLS,
    MISO_SECONDS,
    MISO_TOKENS,
    read_counts,
)
from services.interviews.statistics import RunStatistics, read_statistics
from services.processes.readiness import has_live_process
from services.stores import Stores

_Counts = Mapping[tuple[str, str], float]


def render_interview_gauges(stores: Stores) -> bytes:
    """Raises SQLAlchemyError."""
    with stores.sessions() as session:
        counts, runs = read_counts(session), read_statistics(session, stores.clock.now())
        is_alive = has_live_process(session.connection(), ProcessKind.ANALYST)
    registry = CollectorRegistry()
    _add_runs(registry, runs, is_alive=is_alive)
    _add_calls(registry, counts)
    _add_texts(registry, counts)
    return generate_latest(registry)


def _add_runs(registry: CollectorRegistry, runs: RunStatistics, *, is_alive: bool) -> None:
    for name, meaning, value in (
        ("welno_interviews_under_way", "Analyses that a process or MISO works on.", runs.under_way),
        ("welno_interviews_waiting", "Interviews that are due, and taken by nobody.", runs.waiting),
        (
            "welno_interviews_oldest_waiting_seconds",
            "How long the oldest of them has waited.",
            runs.oldest_waiting_seconds,
        ),
        ("welno_interviews_process_alive", "Whether a process analyses interviews.", int(is_alive)),
    ):
        Gauge(name, meaning, registry=registry).set(value)


def _add_calls(registry: CollectorRegistry, counts: _Counts) -> None:
    calls = Counter("welno_miso_calls_total", "Calls of MISO's workflow.", ["outcome"], registry=registry)
    seconds = Counter("welno_miso_call_seconds_total", "Spent in them.", ["outcome"], registry=registry)
    tokens = Counter("welno_miso_tokens_total", "Tokens of analyses that succeeded.", registry=registry)
    for (name, label), total in counts.items():
        if name == MISO_CALLS:
            calls.labels(label).inc(total)
        elif name == MISO_SECONDS:
            seconds.labels(label).inc(total)
        elif name == MISO_TOKENS:
            tokens.inc(total)


def _add_texts(registry: CollectorRegistry, counts: _Counts) -> None:
    extractions = Counter(
        "welno_interview_extractions_total", "Texts and files that were read.", ["format", "outcome"], registry=registry
    )
    masked = Counter(
        "welno_interview_masked_total", "Values that were taken out of texts.", ["kind"], registry=registry
    )
    for (name, label), total in counts.items():
        if name == EXTRACTIONS:
            extractions.labels(*label.split("/", 1)).inc(total)
        elif name == MASKED:
            masked.labels(label).inc(total)
