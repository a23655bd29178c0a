"""The network of the chaos bench: it can be cut and stalled, and passes everything again when healed."""

import sys
from collections.abc import Iterator

import pytest
import redis

from dev.bench.chaos.network_faults import command
from dev.local.ports import pick_port
from dev.local.process import Process
from dev.local.programs import ROOT
from dev.local.valkey import EmbeddedValkey
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def route(server_home, valkey: EmbeddedValkey) -> Iterator[tuple[int, redis.Redis]]:
    """The control port, and a client whose way to Valkey leads through the proxy."""
    control, listen = pick_port(), pick_port()
    arguments = [sys.executable, "-m", "dev.bench.chaos.network_faults", str(control), f"route={listen}:{valkey.port}"]
    proxy = Process("proxy", arguments, server_home / "logs" / "proxy.log", cwd=ROOT)
    proxy.start()
    client = redis.Redis.from_url(valkey.url.replace(f":{valkey.port}/", f":{listen}/"), socket_timeout=0.3)
    wait_until(lambda: answers(client), 20)
    yield control, client
    client.close()
    proxy.kill()


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


@pytest.mark.parametrize("action", ["cut", "stall"])
def test_what_was_cut_or_stalled_passes_again_when_healed(route: tuple[int, redis.Redis], action: str):
    control, client = route
    command(control, action, "route")
    assert not answers(client)
    command(control, "heal", "route")
    wait_until(lambda: answers(client))
