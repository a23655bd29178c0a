"""Measures the relay's sockets beside Channels, Starlette, Node's ws, nchan and redis-py alone, in one run.

    python -m dev.bench.relay

One client, one core for whoever serves and one for the client and the stores; one process per server. The servers
take turns in the rounds of latency and fan-out, and medians are told. Peers are installed into a folder of their own.
The last line is JSON. A server that fails a part is left out of it; exits with 1 when that is ours.
"""

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial

from dev.bench.relay.aims import judge
from dev.bench.relay.measures import measure_fanout, measure_idle, measure_latency, measure_reconnect
from dev.bench.relay.move import measure_move
from dev.bench.relay.options import RelayOptions, read_options
from dev.bench.relay.peers import PeerMissing
from dev.bench.relay.redis_py_floor import RedisPyFloor
from dev.bench.relay.server_under_test import CLIENT_CORE, ServerUnderTest
from dev.bench.relay.servers import SERVERS
from dev.bench.relay.testbed import Testbed, open_testbed
from dev.bench.relay.turns import Turn, take_turns
from dev.bench.relay.websocket_client import ClientError, ClientLoop, raise_descriptors, take_core
from dev.bench.relay.welno_server import WelnoServer
from dev.bench.results import Metrics, Results

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
    turns = [Turn(_FLOOR, floor.measure)]
    for server in servers:
        sockets = clients.open([server.connect_request(stream) for stream in range(options.streams)])
        turns.append(Turn(server.name, partial(measure_latency, options, server, clients), sockets))
    take_turns(turns, clients, 1, min(_WARM_SECONDS, options.seconds))
    for name, metrics in take_turns(turns, clients, options.rounds, options.seconds).items():
        found.setdefault(name, {}).update(metrics)
    clients.reset([socket for turn in turns for socket in turn.sockets])


def _measure_fanouts(
    options: RelayOptions, servers: Sequence[ServerUnderTest], clients: ClientLoop, found: MetricsByServer
) -> None:
    turns = []
    for server in servers:
        sockets = clients.open([server.connect_request(options.streams)] * options.fanout_sockets)
        turns.append(Turn(server.name, partial(measure_fanout, options, server, clients), sockets))
    take_turns(turns, clients, 1, 1)
    for at_once in (1, options.joined):
        for name, metrics in take_turns(turns, clients, options.rounds, at_once).items():
            found[name].update(metrics)
    clients.reset([socket for turn in turns for socket in turn.sockets])


def find_unmeasured(options: RelayOptions, found: MetricsByServer) -> list[str]:
    """The parts in which our own server failed, which each have metrics of their name otherwise."""
    if WelnoServer.name not in options.servers:
        return []
    names = found[WelnoServer.name]
    return [part for part in options.parts if not any(name.startswith(part) for name in names)]


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
    return 1 if find_unmeasured(options, found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
