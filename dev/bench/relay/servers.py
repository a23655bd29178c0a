"""The servers that can be measured, by name."""

from collections.abc import Callable

from dev.bench.relay.peer_servers import ChannelsServer, NchanServer, NodeServer, StarletteServer
from dev.bench.relay.server_under_test import ServerUnderTest
from dev.bench.relay.testbed import Testbed
from dev.bench.relay.welno_server import WelnoServer

SERVERS: dict[str, Callable[[Testbed], ServerUnderTest]] = {
    server.name: server for server in (WelnoServer, NodeServer, ChannelsServer, StarletteServer, NchanServer)
}
PYTHON_PEERS = ("channels", "starlette")
