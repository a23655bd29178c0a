"""The bench of the clients written by hand, at a size that says nothing about speed: each peer does the same work."""

import pytest

from tests.integration.dev.bench.running import SECONDS, run_bench

TINY = "--messages 400 --commands 640 --exchanges 100 --rounds 1 --outage-seconds 1"
PEERS = {
    "frames": {"own", "websockets", "wsproto"},
    "pubsub": {"own", "redis-py"},
    "commands": {"multiplexed", "redis-py"},
    "parser": {"httptools", "h11"},
    "exchanges": {"own", "aiohttp", "httpx"},
    "outage": {"own", "kombu"},
}


@pytest.mark.timeout(SECONDS + 30)
def test_each_client_is_measured_beside_its_libraries():
    found = run_bench("dev.bench.clients", TINY)
    assert {kind: set(found[kind]) for kind in PEERS} == PEERS
    assert all(
        value > 0 for kind in PEERS if kind != "outage" for row in found[kind].values() for value in row.values()
    )
