"""One connection for many callers: answers in their order, errors by their class, and life after a cut."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from dev.local.ports import pick_port
from streams.multiplexed import MultiplexedRedis


@pytest.fixture
def multiplexed(redis_client: redis.Redis, redis_url: str) -> Iterator[MultiplexedRedis]:
    with MultiplexedRedis.from_url(redis_url, socket_timeout=5) as client:
        yield client


def connections(client: redis.Redis) -> int:
    return client.info("clients")["connected_clients"]


def test_many_callers_each_get_their_own_answer(multiplexed, redis_client):
    redis_client.mset({f"k{n}": n for n in range(500)})
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: multiplexed.get(f"k{n}"), range(500)))
    assert answers == [b"%d" % n for n in range(500)]


def test_callers_share_one_connection(multiplexed, redis_client):
    before = connections(redis_client)
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: multiplexed.exists("k"), range(200)))
    assert connections(redis_client) == before + 1


def test_answers_have_the_form_of_redis_py(multiplexed, redis_client):
    redis_client.hset("h", mapping={"a": "1", "b": "가"})
    assert multiplexed.hgetall("h") == redis_client.hgetall("h") == {b"a": b"1", b"b": "가".encode()}
    assert multiplexed.hmget("h", "a", "none") == [b"1", None]
    assert multiplexed.get("none") is None
    assert multiplexed.eval("return {1, {'x'}}", 0) == [1, [b"x"]]


def test_an_error_has_the_class_of_redis_py(multiplexed, redis_client):
    redis_client.set("text", "1")
    with pytest.raises(redis.exceptions.ResponseError, match="WRONGTYPE"):
        multiplexed.hgetall("text")
    with pytest.raises(redis.exceptions.NoScriptError):
        multiplexed.evalsha("0" * 40, 0)
    assert multiplexed.get("text") == b"1"


def test_a_cut_connection_is_replaced_without_an_error(multiplexed, redis_client):
    redis_client.set("k", "v")
    assert multiplexed.get("k") == b"v"
    redis_client.client_kill_filter(_type="normal", skipme=True)
    assert [multiplexed.get("k") for _ in range(3)] == [b"v"] * 3


def test_a_server_that_is_not_there_is_a_connection_error():
    with MultiplexedRedis(port=pick_port(), retry=None) as nobody, pytest.raises(redis.exceptions.ConnectionError):
        nobody.get("k")


def test_a_server_that_is_silent_is_given_up_in_time(redis_client, redis_url):
    redis_client.set("k", "v")
    with MultiplexedRedis.from_url(redis_url, socket_timeout=0.5) as multiplexed:
        assert multiplexed.get("k") == b"v"
        redis_client.client_pause(1000, all=True)
        with pytest.raises(redis.exceptions.TimeoutError):
            multiplexed.get("k")
        redis_client.client_unpause()
        assert multiplexed.get("k") == b"v"


def test_a_closed_client_leaves_neither_thread_nor_connection(redis_client, redis_url):
    before, others = connections(redis_client), set(threading.enumerate())
    multiplexed = MultiplexedRedis.from_url(redis_url)
    multiplexed.get("k")
    own = [thread for thread in threading.enumerate() if thread.name.startswith("redis-") and thread not in others]
    assert own
    multiplexed.close()
    for thread in own:
        thread.join(5)
        assert not thread.is_alive()
    assert connections(redis_client) == before


def test_what_may_wait_takes_a_connection_of_its_own(multiplexed):
    assert multiplexed.get("k") is None
    waiting = threading.Thread(target=multiplexed.blpop, args=("list", 5))
    waiting.start()
    assert multiplexed.get("k") is None
    multiplexed.rpush("list", "go")
    waiting.join(5)
    assert not waiting.is_alive()
