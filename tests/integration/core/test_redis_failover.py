"""After a failover no command goes to the node of before, although its connections were left open."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.redis_failover import FailoverConnection, start_generation
from core.redis_refusals import refusal
from dev.local.ports import LOOPBACK
from services.stores import connect_redis
from streams.multiplexed import MultiplexedRedis
from tests.replication import Pair, replicated
from tests.waiting import wait_until

HEALED_WITHIN_SECONDS = 2
CALLERS = 5


@pytest.fixture
def pair() -> Iterator[Pair]:
    with replicated() as pair:
        yield pair


@pytest.fixture
def kind() -> type[redis.Redis]:
    """What it does not multiplex, it does as redis-py's own client."""
    return MultiplexedRedis


@pytest.fixture
def client(pair: Pair, kind: type[redis.Redis]) -> Iterator[redis.Redis]:
    """Led by the address in front, with several connections open."""
    with connect_redis(pair.url, kind) as client:
        use_connections(client)
        yield client


both_kinds = pytest.mark.parametrize("kind", [redis.Redis, MultiplexedRedis])


def use_connections(client: redis.Redis) -> None:
    """So many callers at once that the pool has a connection for each."""
    meet = threading.Barrier(CALLERS)

    def call(_number: int) -> None:
        connection = client.connection_pool.get_connection()
        meet.wait(5)
        client.connection_pool.release(connection)

    with ThreadPoolExecutor(CALLERS) as callers:
        list(callers.map(call, range(CALLERS)))
    client.get("opens the multiplexed connection")


def succeeds(client: redis.Redis) -> bool:
    try:
        return bool(client.set("k", "v"))
    except redis.RedisError:
        return False


@both_kinds
def test_a_write_after_a_failover_reaches_the_new_primary(pair: Pair, client: redis.Redis):
    pair.fail_over()
    client.set("k", "written after")
    assert pair.primary.admin.get("k") == b"written after"


@both_kinds
def test_a_failover_leaves_no_connection_on_the_node_of_before(pair: Pair, client: redis.Redis):
    pair.fail_over()
    client.set("k", "v")
    use_connections(client)
    wait_until(lambda: pair.replica.count_clients() == 0)


@both_kinds
def test_a_connection_to_the_new_primary_ends_those_to_the_node_of_before(pair: Pair, client: redis.Redis):
    """Nothing was refused: whoever lost its own to a time-out finds another primary than the one that it left."""
    pair.fail_over()
    with connect_redis(pair.url, redis.Redis) as other:
        other.get("k")
    use_connections(client)
    wait_until(lambda: pair.replica.count_clients() == 0)


@both_kinds
def test_reads_follow_once_a_write_was_refused(pair: Pair, client: redis.Redis):
    pair.fail_over()
    client.set("k", "v")
    pair.replica.lead()  # and is written to by nobody who should
    pair.replica.admin.set("k", "stale")
    assert {client.get("k") for _ in range(CALLERS + 1)} == {b"v"}


def test_a_script_that_writes_reaches_the_new_primary(pair: Pair, client: redis.Redis):
    script = client.register_script("return redis.call('SET', KEYS[1], ARGV[1])")
    script(keys=["k"], args=["before"])
    pair.fail_over()
    script(keys=["k"], args=["after"])
    assert pair.primary.admin.get("k") == b"after"


def test_a_transaction_reaches_the_new_primary(pair: Pair, client: redis.Redis):
    pair.fail_over()
    with client.pipeline(transaction=True) as pipe:
        pipe.incr("n").incr("n")
        assert pipe.execute() == [1, 2]


def test_a_node_that_is_primary_again_is_written_to_at_once(pair: Pair, client: redis.Redis):
    with pair.demoted(), pytest.raises(redis.ConnectionError):
        client.set("k", "v")
    assert client.set("k", "v")


def test_no_connection_is_opened_to_a_replica(pair: Pair):
    with pair.demoted(), connect_redis(pair.url) as client, pytest.raises(redis.ConnectionError, match="replica"):
        client.get("k")


class FailingOver(redis.CredentialProvider):
    """Signs in; during the first handshake the address fails over, and the node of before is not told."""

    def __init__(self, pair: Pair, password: str) -> None:
        self._pair, self._password = pair, password
        self.handshakes = 0

    def get_credentials(self) -> tuple[str]:
        self.handshakes += 1
        if self.handshakes == 1:
            self._pair.promote()
            start_generation(self._pair.address)
        return (self._password,)


def test_a_connection_whose_handshake_outlasts_a_failover_is_made_anew(pair: Pair):
    address = urlsplit(pair.url)
    provider = FailingOver(pair, str(address.password))
    connection = FailoverConnection(LOOPBACK, address.port, credential_provider=provider, retry=Retry(NoBackoff(), 1))
    connection.connect()
    connection.send_command("SET", "k", "v")
    connection.read_response()
    connection.disconnect()
    assert pair.primary.admin.get("k") == b"v"
    assert provider.handshakes == 2


def test_a_blocking_pop_on_a_demoted_node_is_repeated_on_the_new_primary(pair: Pair, client: redis.Redis):
    with ThreadPoolExecutor(1) as caller:
        popping = caller.submit(client.brpop, "list", 0)
        wait_until(lambda: pair.primary.admin.info("clients")["blocked_clients"])
        pair.fail_over()
        pair.primary.admin.rpush("list", "x")
        assert popping.result(10) == (b"list", b"x")


def test_a_full_server_drops_the_connections(pair: Pair, client: redis.Redis):
    pair.primary.admin.config_set("maxmemory", 1)
    with pytest.raises(redis.OutOfMemoryError):
        client.set("k", "v")
    pair.fail_over()
    wait_until(lambda: succeeds(client), HEALED_WITHIN_SECONDS)
    use_connections(client)
    wait_until(lambda: pair.replica.count_clients() == 0)


def test_a_primary_that_lost_its_replicas_is_left(pair: Pair, client: redis.Redis):
    """As one that was cut off, while another was promoted."""
    pair.primary.admin.config_set("min-replicas-to-write", 2)
    with pytest.raises(redis.ConnectionError) as refused:
        client.set("k", "v")
    assert refusal(refused.value) == "too few replicas"
    pair.fail_over()
    assert client.set("k", "v")
    use_connections(client)
    wait_until(lambda: pair.replica.count_clients() == 0)


def test_a_loading_server_is_left_for_one_that_is_ready(pair: Pair, client: redis.Redis):
    """The node of before loads the new primary's data; meanwhile it answers nothing else."""
    before = pair.primary.admin
    before.mset({f"key:{n}": "x" * 100 for n in range(3000)})
    wait_until(lambda: pair.replica.admin.exists("key:2999"))
    before.config_set("key-load-delay", 1000)
    before.config_set("loading-process-events-interval-bytes", 1024)
    pair.replica.lead()
    before.set("k", "diverged, so that everything has to be loaded")
    before.replicaof(LOOPBACK, pair.replica.port)
    wait_until(lambda: before.info("persistence")["loading"])
    assert not succeeds(client)
    pair.promote()
    wait_until(lambda: succeeds(client), HEALED_WITHIN_SECONDS)
    assert pair.primary.admin.get("k") == b"v"
    before.config_set("key-load-delay", 0)
