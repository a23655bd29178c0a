"""What /metrics tells of the threads from PostgreSQL and Redis, whichever process has written it."""

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from services.stores import Stores
from services.threads.kinds import thread_kind
from services.threads.statistics import read_statistics


def render_thread_gauges(stores: Stores) -> bytes:
    """Raises SQLAlchemyError and StreamsError."""
    with stores.sessions() as session:
        told = read_statistics(session, stores.streams, thread_kind(stores.settings))
    registry = CollectorRegistry()
    for name, meaning, value in (
        (
            "welno_thread_numbers_behind",
            "Numbers that wait for their stream, of threads that changed in the last ten minutes.",
            told.numbers_behind,
        ),
        (
            "welno_thread_keys_lacking",
            "Generations that devices may read and cannot open, of the same threads.",
            told.keys_lacking,
        ),
        ("welno_thread_audit_rows", "Rows of the threads' audit, as PostgreSQL estimates them.", told.audit_rows),
    ):
        Gauge(name, meaning, registry=registry).set(value)
    return generate_latest(registry)
