"""Redis fails over, and the connections of before stay open to a server that refuses: nobody of the edge keeps them."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from core.names import Queue, Step, step_task
from core.settings import Settings
from services.delivery.unit_of_work import TaskCall
from tests.replication import Pair, replicated
from webapp import create_app
from webapp.current import parts
from webapp.jobs import build_task_sender

from .people import API, FORM

CALL = TaskCall(step_task(Step.FINISH), "some-session", "some-request")


@pytest.fixture
def pair() -> Iterator[Pair]:
    with replicated() as pair:
        yield pair


@pytest.fixture
def app_of_pair(app: Flask, web_settings: Settings, pair: Pair) -> Iterator[Flask]:
    made = create_app(replace(web_settings, stores=replace(web_settings.stores, redis_url=pair.url)))
    yield made
    parts(made).close()


def start(app: Flask) -> int:
    return app.test_client().post(f"{API}/tilko/session/start", json=FORM).status_code


def guess(app: Flask) -> int:
    person = {name: FORM[name] for name in ("user_name", "birthdate", "phone_no")}
    return app.test_client().post(f"{API}/patients/sign-in", json=person | {"password": "592704"}).status_code


def test_limits_are_counted_by_the_new_primary_at_once(app_of_pair: Flask, pair: Pair):
    before = guess(app_of_pair)
    pair.fail_over()
    assert (before, guess(app_of_pair)) == (401, 401)
    assert [key for key in pair.primary.admin.scan_iter() if b"password" in key]


def test_a_limit_that_a_full_redis_cannot_count_is_no_permission(app_of_pair: Flask, pair: Pair):
    pair.primary.admin.config_set("maxmemory", 1)
    full = start(app_of_pair)
    pair.primary.admin.config_set("maxmemory", 0)
    assert (full, start(app_of_pair)) == (503, 201)


def test_a_task_reaches_the_new_primary_at_once(pair: Pair):
    send = build_task_sender(pair.url)
    assert send(CALL)
    pair.fail_over()
    replicated_tasks = pair.primary.admin.llen(Queue.COLLECTION)
    assert send(CALL)
    assert pair.primary.admin.llen(Queue.COLLECTION) == replicated_tasks + 1
