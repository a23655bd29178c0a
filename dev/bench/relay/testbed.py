"""What all servers share in one run: PostgreSQL and Valkey, and a workload in them."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from dev.bench.relay.workloads import WORKLOADS, RelayWorkload
from dev.bench.temporary_stack import open_stack


@dataclass(frozen=True)
class Testbed:
    folder: Path
    env: Mapping[str, str]
    redis: Redis
    workload: RelayWorkload


@contextmanager
def open_testbed(workload: str) -> Iterator[Testbed]:
    """The stores run on the core of whoever asks: the client's."""
    with (
        open_stack() as servers,
        closing(WORKLOADS[workload](servers.env)) as opened,
        Redis.from_url(servers.env["REDIS_URL"]) as redis,
    ):
        yield Testbed(servers.home, servers.env, redis, opened)
