"""The whole product as one object, with small stand-ins for its processes."""

import signal
import time

import psutil
import pytest
import redis
from sqlalchemy import create_engine, text

from dev.local.errors import StartFailedError
from dev.local.health import answers
from dev.local.programs import Program
from tests.integration.dev.local.stand_ins import make_stack
from tests.waiting import wait_until


@pytest.fixture
def stack(used_home):
    with make_stack(used_home) as stack:
        yield stack
        stack.kill_all()


def test_next_run_goes_on_where_the_last_stopped(used_home):
    with make_stack(used_home) as first, redis.Redis.from_url(first.env["REDIS_URL"]) as client:
        client.set("kept", "7")
        secret = first.env["WELNO_SEALING_KEYS"]
    with make_stack(used_home) as second, redis.Redis.from_url(second.env["REDIS_URL"]) as client:
        assert client.get("kept") == b"7"
        assert second.env["WELNO_SEALING_KEYS"] == secret


def test_environment_leads_to_the_database(stack):
    engine = create_engine(stack.env["DATABASE_URL"])
    with engine.connect() as connection:
        assert connection.execute(text("select current_database()")).scalar() == "welno"
    engine.dispose()


def test_killed_program_stays_dead_until_it_is_started(stack):
    stack.kill("web")
    assert not answers(f"{stack.web_url}/")
    stack.start("web")
    stack.wait_ready()
    assert answers(f"{stack.web_url}/")


def test_frozen_program_is_not_dead(stack):
    stack.kill("worker", signal.SIGSTOP)
    wait_until(lambda: psutil.Process(stack.pid("worker")).status() == psutil.STATUS_STOPPED)
    assert stack.is_running("worker")
    stack.kill("worker", signal.SIGCONT)
    wait_until(lambda: psutil.Process(stack.pid("worker")).status() != psutil.STATUS_STOPPED)


def test_killed_server_is_restarted_at_the_same_address(stack):
    before = stack.pid("valkey")
    stack.kill("valkey")
    stack.restart("valkey")
    assert stack.pid("valkey") != before
    with redis.Redis.from_url(stack.env["REDIS_URL"]) as client:
        assert client.ping()


def test_another_process_can_be_added(stack):
    stack.add(Program("worker-2", stack.programs["worker"].command))
    stack.start("worker-2")
    assert stack.is_running("worker-2")
    assert stack.pid("worker-2") != stack.pid("worker")


def test_stopped_program_is_left_alone_by_tending(stack):
    stack.stop("worker")
    stack.tend()
    assert not stack.is_running("worker")


def test_failed_migration_shows_its_last_lines(stack):
    with pytest.raises(StartFailedError, match="no such table"):
        stack.run([*stack.programs["worker"].command[:2], "import sys; sys.exit('no such table')"], "migrations")


def test_missing_program_is_named(stack):
    with pytest.raises(StartFailedError, match="no program gunicornn"):
        stack.run(["gunicornn"], "web")


def test_a_stack_that_nobody_needs_is_gone_at_once(used_home):
    with make_stack(used_home, "deaf") as stack:
        family = [psutil.Process(stack.pid(name)) for name in ("postgres", "valkey", *stack.programs)]
        asked_at = time.monotonic()
        stack.kill_all()
        assert time.monotonic() - asked_at < 4  # the deaf worker is not waited for
        assert not [process for process in family if process.is_running()]
