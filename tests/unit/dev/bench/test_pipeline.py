"""What the bench of the pipeline compares and counts."""

import pytest

from dev.bench.pipeline.aims import compare_cpu
from dev.bench.pipeline.store_counters import kind_of


def cost(cpu: float, postgres: float = 0.0) -> dict[str, float]:
    return {"cpu_ms": cpu, "postgres_ms": postgres, "valkey_ms": 0.0}


def test_our_cpu_is_compared_with_each_peer_and_its_aim():
    methods = {"welno": cost(9, 3), "celery_chain": cost(10), "dbos": cost(10, 6), "inline_floor": cost(3, 3)}
    assert compare_cpu(methods) == {
        "celery_chain": {"cpu_ratio": 0.9, "with_servers_ratio": 1.2, "aim": 0.9, "is_met": True},
        "dbos": {"cpu_ratio": 0.9, "with_servers_ratio": 0.75, "aim": 0.75, "is_met": False},
        "inline_floor": {"cpu_ratio": 3.0, "with_servers_ratio": 2.0},
    }


def test_a_method_without_a_tick_of_cpu_is_not_compared():
    assert compare_cpu({"welno": cost(3), "dbos": cost(0)}) == {}


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("COMMIT", "sql_transaction_commands"),
        ("BEGIN ISOLATION LEVEL READ COMMITTED", "sql_transaction_commands"),
        ("SAVEPOINT one", "sql_transaction_commands"),
        ("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED", "sql_settings"),
        ("show transaction isolation level", "sql_settings"),
        ("with one as (select $1) update runs set step = $2", "sql_statements"),
        ("\n    select settings from begun", "sql_statements"),
    ],
)
def test_statements_are_counted_apart_from_what_surrounds_them(query: str, kind: str):
    assert kind_of(query) == kind
