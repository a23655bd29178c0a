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
from dev.bench.relay.client import ClientError, Crowd, raise_descriptors, take_core
from dev.bench.relay.floor import Floor
from dev.bench.relay.home import make_home
from dev.bench.relay.measures import measure_crowd, measure_fanout, measure_latency, measure_reconnect
from dev.bench.relay.moving import measure_move
from dev.bench.relay.peers import PeerMissing
from dev.bench.relay.plan import Plan, read_plan
from dev.bench.relay.servers import CLIENT_CORE, SERVERS, Home, Server, Welno
from dev.bench.results import Metrics, Results, medians

FLOOR = "redis-py"
PARTS_OF_THE_TABLE = ("accepted", "kib", "idle", "latency", "append", "publish", "fanout", "reconnect", "move")
Found = dict[str, Metrics]
_WARM_SECONDS = 1.0


def run(plan: Plan) -> Found:
    found: Found = {}
    with make_home() as home:
        servers = _install(plan, home)
        found |= {server.name: {} for server in servers}
        if "crowd" in plan.parts:
            _one_by_one(servers, found, lambda server, crowd: measure_crowd(plan, server, crowd))
        if {"latency", "fanout"} & set(plan.parts):
            _in_turns(plan, home, servers, found)
        if "reconnect" in plan.parts:
            resuming = [server for server in servers if server.resumes]
            _one_by_one(resuming, found, lambda server, crowd: measure_reconnect(plan, server, crowd))
        if "move" in plan.parts and Welno.name in found:
            found[Welno.name] |= measure_move(plan, home)
    return found


def _install(plan: Plan, home: Home) -> list[Server]:
    """Those that can be had; of the others a sentence."""
    servers = []
    for name in plan.servers:
        server = SERVERS[name](home)
        try:
            server.install()
        except PeerMissing as exc:
            print(f"{exc}: left out", flush=True)
        else:
            servers.append(server)
    return servers


def _one_by_one(servers: Sequence[Server], found: Found, measure: Callable[[Server, Crowd], Metrics]) -> None:
    for server in servers:
        crowd = Crowd()
        server.start()
        try:
            found[server.name] |= measure(server, crowd)
        except ClientError as exc:
            print(f"{server.name}: {exc}", flush=True)
        finally:
            server.stop()


def _in_turns(plan: Plan, home: Home, servers: Sequence[Server], found: Found) -> None:
    """All have their sockets open at the same time, in one crowd whose pings are answered whoever is measured."""
    crowd = Crowd()
    with ExitStack() as stack:
        for server in servers:
            stack.callback(server.stop)
            server.start()
            server.have(plan.streams + 1)
        if "latency" in plan.parts:
            floor = stack.enter_context(Floor(home, plan, crowd))
            _measure_latencies(plan, home, servers, crowd, (floor, found))
        if "fanout" in plan.parts:
            _measure_fanouts(plan, servers, crowd, found)
    if crowd.goodbyes:
        print(f"ended by servers: {dict(crowd.goodbyes)}", flush=True)


def _measure_latencies(
    plan: Plan, home: Home, servers: Sequence[Server], crowd: Crowd, into: tuple[Floor, Found]
) -> None:
    floor, found = into
    home.sessions.have(2 * plan.streams + 1)
    turns: dict[str, Callable[[float], Metrics]] = {FLOOR: floor.measure}
    sockets = []
    for server in servers:
        sockets += crowd.open([server.ticket(stream) for stream in range(plan.streams)])
        turns[server.name] = lambda seconds, server=server: measure_latency(plan, server, crowd, seconds)  # type: ignore[misc] # the default binds it
    for measure in turns.values():
        measure(min(_WARM_SECONDS, plan.seconds))
    rounds = [{name: measure(plan.seconds) for name, measure in turns.items()} for _ in range(plan.rounds)]
    for name in turns:
        found.setdefault(name, {}).update(medians([one[name] for one in rounds]))
    crowd.reset(sockets)


def _measure_fanouts(plan: Plan, servers: Sequence[Server], crowd: Crowd, found: Found) -> None:
    sockets = []
    for server in servers:
        sockets += crowd.open([server.ticket(plan.streams)] * plan.fanout_sockets)
        measure_fanout(plan, server, crowd, 1)
    for at_once in (1, plan.joined):
        rounds = [
            {server.name: measure_fanout(plan, server, crowd, at_once) for server in servers}
            for _ in range(plan.rounds)
        ]
        for server in servers:
            found[server.name].update(medians([one[server.name] for one in rounds]))
    crowd.reset(sockets)


def main(arguments: Sequence[str]) -> int:
    plan = read_plan(arguments, __doc__)
    room = raise_descriptors()
    if max(*plan.sockets, plan.reconnecting) > room:
        print(f"this machine lets a process open {room} sockets: no part has more")
    plan = plan.within(room)
    take_core(CLIENT_CORE)
    print(f"relay: {vars(plan)}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
    results = Results("relay", vars(plan))
    found = run(plan)
    print(f"load at the end {os.getloadavg()[0]:.1f}")
    results.add_table("servers", found, prefixes=PARTS_OF_THE_TABLE)
    if judged := judge(found):
        results.add_table("aims", judged)
    results.finish()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
