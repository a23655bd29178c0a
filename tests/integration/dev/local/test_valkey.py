"""The embedded Valkey: private, durable where wanted, and gone when stopped."""

import psutil
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from dev.local.errors import StartFailedError
from dev.local.valkey import EmbeddedValkey


@pytest.fixture
def server(home):
    with EmbeddedValkey(home) as server:
        yield server


@pytest.fixture
def client(server):
    with redis.Redis.from_url(server.url) as client:
        yield client


def test_data_outlive_a_restart(server, client):
    client.set("kept", "7")
    server.restart()
    assert client.get("kept") == b"7"


def test_data_can_be_lost_on_purpose(server, client):
    client.set("kept", "7")
    server.restart(keep_data=False)
    assert client.get("kept") is None


def test_appended_data_outlive_a_crash(server, client):
    client.config_set("appendfsync", "always")
    client.set("kept", "7")
    server.restart(kill=True)
    assert client.get("kept") == b"7"


def test_password_is_asked_and_on_no_command_line(server):
    with (
        redis.Redis(port=server.port, retry=Retry(NoBackoff(), 0)) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()
    password = server.url.split(":")[2].split("@")[0]
    assert password not in " ".join(psutil.Process(server.pid).cmdline())


def test_stopped_server_leaves_no_process(server):
    process = psutil.Process(server.pid)
    server.stop()
    assert not process.is_running()


def test_taken_port_ends_with_the_log_in_the_error(server, home):
    with pytest.raises(StartFailedError, match="valkey ended with 1"):
        EmbeddedValkey(home.parent / "other", server.port).start()
