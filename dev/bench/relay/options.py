"""What one run measures, and how big."""

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from dev.bench.relay.servers import SERVERS
from dev.bench.relay.workloads import WORKLOADS

PARTS = ("idle", "latency", "fanout", "reconnect", "move")


@dataclass(frozen=True, kw_only=True)
class RelayOptions:
    workload: str
    servers: list[str]
    parts: list[str]
    sockets: list[int]
    settle_seconds: float
    closed_seconds: float
    idle_seconds: float
    streams: int
    rate: float
    seconds: float
    fanout_sockets: int
    events: int
    joined: int
    reconnecting: int
    behind: int
    spread_seconds: float
    rounds: int

    def within(self, room: int) -> "RelayOptions":
        """With no more sockets at once than there is room for."""
        sockets = sorted({min(size, room) for size in self.sockets})
        return replace(self, sockets=sockets, reconnecting=min(self.reconnecting, room))


def read_options(arguments: Sequence[str], description: str | None) -> RelayOptions:
    parser = argparse.ArgumentParser(prog="python -m dev.bench.relay", description=description)
    parser.add_argument("--workload", choices=list(WORKLOADS), default="collection", help="what ours serves")
    parser.add_argument("--servers", type=_names(SERVERS), default=list(SERVERS), help="separated by commas")
    parser.add_argument("--parts", type=_names(PARTS), default=list(PARTS), help="separated by commas")
    parser.add_argument("--sockets", type=int, nargs="+", default=[5000, 20_000], help="idle sockets, in steps")
    parser.add_argument("--settle-seconds", type=float, default=35, help="at each step; a ping comes every 30 s")
    parser.add_argument("--closed-seconds", type=float, default=3, help="until sockets that were cut are forgotten")
    parser.add_argument("--idle-seconds", type=float, default=600, help="how long the CPU of the last step is watched")
    parser.add_argument("--streams", type=int, default=1000, help="for latency: as many sockets, one each")
    parser.add_argument("--rate", type=float, default=200, help="events a second over all streams")
    parser.add_argument("--seconds", type=float, default=10, help="of each latency round")
    parser.add_argument(
        "--fanout-sockets", type=int, default=1000, help="on one stream, at most as many as the workload lets follow it"
    )
    parser.add_argument("--events", type=int, default=50, help="of each fan-out round")
    parser.add_argument("--joined", type=int, default=50, help="events appended at once")
    parser.add_argument("--reconnecting", type=int, default=5000, help="sockets that come back at once, or move")
    parser.add_argument("--behind", type=int, default=10, help="events that each of them has missed")
    parser.add_argument("--spread-seconds", type=float, default=10, help="within which those that move come back")
    parser.add_argument("--rounds", type=int, default=5, help="of latency and fan-out, the servers taking turns")
    return RelayOptions(**vars(parser.parse_args(arguments)))


def _names(known: Iterable[str]) -> Callable[[str], list[str]]:
    """Reads `a,b` and refuses what is not known."""

    def read(text: str) -> list[str]:
        found = [item for item in text.split(",") if item]
        if not found or set(found) - set(known):
            raise argparse.ArgumentTypeError(f"choose from {','.join(known)}")
        return found

    return read
