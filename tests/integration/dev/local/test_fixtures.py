"""The servers that the other tests get."""

from sqlalchemy import text

from dev.local.health import answers


def test_schema_comes_from_the_migrations(db_session):
    assert db_session.execute(text("select count(*) from public.alembic_version")).scalar() == 1


def test_redis_is_empty_at_the_start(redis_client):
    assert redis_client.dbsize() == 0


def test_sandbox_answers(sandbox_url):
    assert answers(f"{sandbox_url}/control/health")
