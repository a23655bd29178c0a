"""What the database's errors say of trying again."""

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from services.database import connect_database, hosts_of, is_query_canceled, is_store_away


@pytest.mark.parametrize(
    ("statement", "is_away"),
    [
        ("set local lock_timeout = '1ms'; select pg_advisory_lock(79)", True),
        ("select array_fill(0, array[1000000000])", False),
        ("select 1 / 0", False),
    ],
)
def test_only_what_may_pass_counts_as_away(engine: Engine, statement: str, is_away: bool):
    assert is_store_away(refusal_of(engine, statement)) is is_away


@pytest.mark.parametrize(
    ("statement", "is_canceled"),
    [
        ("set local statement_timeout = '1ms'; select pg_sleep(10)", True),
        ("select pg_cancel_backend(pg_backend_pid()); select pg_sleep(10)", True),
        ("set local lock_timeout = '1ms'; select pg_advisory_lock(79)", False),
    ],
)
def test_a_statement_is_canceled_by_its_timeout_or_by_somebody(engine: Engine, statement: str, is_canceled: bool):
    refused = refusal_of(engine, statement)
    assert isinstance(refused, OperationalError)
    assert is_query_canceled(refused) is is_canceled


def refusal_of(engine: Engine, statement: str) -> SQLAlchemyError:
    """While another session holds advisory lock 79."""
    with engine.connect() as holder, engine.connect() as connection:
        holder.exec_driver_sql("select pg_advisory_lock(79)")
        with pytest.raises(SQLAlchemyError) as refused:
            connection.exec_driver_sql(statement)
        holder.exec_driver_sql("select pg_advisory_unlock(79)")
    return refused.value


@pytest.mark.parametrize(
    ("query", "hosts"),
    [
        ("host=a,b", [("a", 5432), ("b", 5432)]),
        ("host=a,b&port=6432,6433", [("a", 6432), ("b", 6433)]),
        ("host=a:1&host=b:2", [("a", 1), ("b", 2)]),
    ],
)
def test_each_host_of_an_address_has_its_port(query: str, hosts: list[tuple[str, int]]):
    assert hosts_of(create_engine(f"postgresql+psycopg2://welno@/welno?{query}")) == hosts


def test_a_database_that_is_not_there_is_away():
    with pytest.raises(OperationalError) as refused:
        connect_database("postgresql://nobody@127.0.0.1:1/none", 1).connect()
    assert is_store_away(refused.value)


def test_a_server_lets_go_of_a_host_that_is_gone_without_a_word(postgres_url: str):
    """Else its locks and connections are held for two hours, which is PostgreSQL's own wait."""
    engine = connect_database(postgres_url, 1)
    with engine.connect() as connection:
        shown = [
            connection.exec_driver_sql(f"show {name}").scalar_one()
            for name in ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout")
        ]
    engine.dispose()
    assert shown == ["10", "5", "3", "5000"]
