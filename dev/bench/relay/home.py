"""PostgreSQL and Valkey for one run, with sessions in them."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from redis import Redis

from dev.bench.relay.servers import Home
from dev.bench.relay.sessions import Sessions
from dev.local.stack import Stack


@contextmanager
def make_home() -> Iterator[Home]:
    """On the core of whoever asks: the client's."""
    with tempfile.TemporaryDirectory(prefix="welno-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o711)
        servers = stack.enter_context(Stack(folder, processes=()))
        sessions = Sessions(servers.env)
        stack.callback(sessions.close)
        redis = stack.enter_context(Redis.from_url(servers.env["REDIS_URL"]))
        yield Home(folder, servers.env, redis, sessions)
