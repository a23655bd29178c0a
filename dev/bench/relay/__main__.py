"""Measures the relay's sockets beside Channels, Starlette, Node's ws, nchan and redis-py alone, in one run.

    python -m dev.bench.relay

One client, one core for whoever serves and one for the client and the stores; one process per server. The servers
take turns in the rounds of latency and fan-out, and medians are told. Peers are installed into a folder of their own.
The last line is JSON.
"""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from dev.bench.relay.aims import judge
from dev.bench.relay.measures import measure_fanout, measure_idle, measure_latency, measure_reconnect
from dev.bench.relay.move import measure_move
from dev.bench.relay.options import RelayOptions, read_options
from dev.bench.relay.peers import PeerMissing
from dev.bench.relay.redis_py_floor import RedisPyFloor
from dev.bench.relay.server_under_test import CLIENT_CORE, ServerUnderTest
from dev.bench.relay.servers import SERVERS
from dev.bench.relay.testbed import Testbed, open_testbed
from dev.bench.relay.websocket_client import ClientError, ClientLoop, raise_descriptors, take_core
from dev.bench.relay.welno_server import WelnoServer
from dev.bench.results import Metrics, Results, medians

_FLOOR = "redis-py"
_COLUMN_GROUPS = ("accepted", "kib", "idle", "latency", "append", "publish", "fanout", "reconnect", "move")
_WARM_SECONDS = 1.0
MetricsByServer = dict[str, Metrics]


def run(options: RelayOptions) -> MetricsByServer:
    found: MetricsByServer = {}
    with open_testbed(options.workload) as testbed:
        if options.fanout_sockets > testbed.workload.max_readers:
            raise SystemExit(f"--fanout-sockets: at most {testbed.workload.max_readers} may follow one stream")
        servers = _install(options, testbed)
        found |= {server.name: {} for server in servers}
        if "idle" in options.parts:
            _one_by_one(servers, found, lambda server, clients: measure_idle(options, server, clients))
        if {"latency", "fanout"} & set(options.parts):
            _in_turns(options, testbed, servers, found)
        if "reconnect" in options.parts:
            resuming = [server for server in servers if server.resumes]
            _one_by_one(resuming, found, lambda server, clients: measure_reconnect(options, server, clients))
        if "move" in options.parts and WelnoServer.name in found:
            found[WelnoServer.name] |= measure_move(options, testbed)
    return found


def _install(options: RelayOptions, testbed: Testbed) -> list[ServerUnderTest]:
    """Those that can be had; of the others a sentence."""
    servers = []
    for name in options.servers:
        server = SERVERS[name](testbed)
        try:
            server.install()
        except PeerMissing as exc:
            print(f"{exc}: left out", flush=True)
        else:
            servers.append(server)
    return servers


def _one_by_one(
    servers: Sequence[ServerUnderTest],
    found: MetricsByServer,
    measure: Callable[[ServerUnderTest, ClientLoop], Metrics],
) -> None:
    for server in servers:
        clients = ClientLoop()
        server.start()
        try:
            found[server.name] |= measure(server, clients)
        except ClientError as exc:
            print(f"{server.name}: {exc}", flush=True)
        finally:
            server.stop()


def _in_turns(
    options: RelayOptions, testbed: Testbed, servers: Sequence[ServerUnderTest], found: MetricsByServer
) -> None:
    """All have their sockets open at the same time, in one loop that answers pings whoever is measured."""
    clients = ClientLoop()
    with ExitStack() as stack:
        for server in servers:
            stack.callback(server.stop)
            server.start()
            server.create_streams(options.streams + 1)
        if "latency" in options.parts:
            floor = stack.enter_context(RedisPyFloor(testbed, options, clients))
            testbed.workload.create(2 * options.streams + 1)
            _measure_latencies(options, servers, clients, floor=floor, found=found)
        if "fanout" in options.parts:
            _measure_fanouts(options, servers, clients, found)
    if clients.ended_by_server:
        print(f"ended by servers: {dict(clients.ended_by_server)}", flush=True)


def _measure_latencies(
    options: RelayOptions,
    servers: Sequence[ServerUnderTest],
    clients: ClientLoop,
    *,
    floor: RedisPyFloor,
    found: MetricsByServer,
) -> None:
    turns: dict[str, Callable[[float], Metrics]] = {_FLOOR: floor.measure}
    sockets = []
    for server in servers:
        sockets += clients.open([server.connect_request(stream) for stream in range(options.streams)])
        turns[server.name] = lambda seconds, server=server: measure_latency(options, server, clients, seconds)  # type: ignore[misc] # the default binds it
    for measure in turns.values():
        measure(min(_WARM_SECONDS, options.seconds))
    rounds = [{name: measure(options.seconds) for name, measure in turns.items()} for _ in range(options.rounds)]
    for name in turns:
        found.setdefault(name, {}).update(medians([one[name] for one in rounds]))
    clients.reset(sockets)


def _measure_fanouts(
    options: RelayOptions, servers: Sequence[ServerUnderTest], clients: ClientLoop, found: MetricsByServer
) -> None:
    sockets = []
    for server in servers:
        sockets += clients.open([server.connect_request(options.streams)] * options.fanout_sockets)
        measure_fanout(options, server, clients, 1)
    for at_once in (1, options.joined):
        rounds = [
            {server.name: measure_fanout(options, server, clients, at_once) for server in servers}
            for _ in range(options.rounds)
        ]
        for server in servers:
            found[server.name].update(medians([one[server.name] for one in rounds]))
    clients.reset(sockets)


def main(arguments: Sequence[str]) -> int:
    options = read_options(arguments, __doc__)
    room = raise_descriptors()
    if max(*options.sockets, options.reconnecting) > room:
        print(f"this machine lets a process open {room} sockets: no part has more")
    options = options.within(room)
    take_core(CLIENT_CORE)
    print(f"relay: {vars(options)}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
    results = Results("relay", vars(options))
    found = run(options)
    print(f"load at the end {os.getloadavg()[0]:.1f}")
    results.add_table("servers", found, prefixes=_COLUMN_GROUPS)
    if judged := judge(found):
        results.add_table("aims", judged)
    results.finish()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
