"""What the relay is meant to reach, held against the figures of one run."""

from collections.abc import Callable, Mapping, Sequence

from bench.figures import Figures
from bench.relay.servers import PYTHON_PEERS

_OWN, _FLOOR = "welno", "redis-py"
_KIB_PER_SOCKET = 4.0
_IDLE_PERCENT = 5.0
_BACK_SECONDS = 5.0
_SINGLE_TIMES_CHANNELS, _JOINED_TIMES_NODE = 10.0, 8.0
Found = Mapping[str, Figures]


def judge(found: Found) -> dict[str, tuple[float, float, bool]]:
    """Ours, what it is held against, and whether that is reached; nothing of what was not measured."""
    own = found.get(_OWN, {})
    judged: dict[str, tuple[float, float, bool]] = {}

    def below(name: str, bound: float | None, what: str) -> None:
        if name in own and bound is not None:
            judged[f"{name} below {what}"] = (own[name], bound, own[name] <= bound)

    def above(name: str, bound: float | None, what: str) -> None:
        if name in own and bound is not None:
            judged[f"{name} above {what}"] = (own[name], bound, own[name] >= bound)

    for name in own:
        if name.startswith("kib_per_socket"):
            below(name, _KIB_PER_SOCKET, "4 KiB")
        elif name.startswith("idle_percent"):
            below(name, _IDLE_PERCENT, "5 %")
        elif name.startswith("accepted_per_second"):
            above(name, _best(found, name, PYTHON_PEERS, max), "Channels and Starlette")
    below("latency_p50_ms", _best(found, "latency_p50_ms", ("node", *PYTHON_PEERS), min), "Node and Python's peers")
    floor = found.get(_FLOOR, {}).get("publish_p99_and_append_p50_ms")
    below("latency_p99_ms", floor, "redis-py's publish to subscribe and the append")
    above("fanout_single_per_second", _best(found, "fanout_single_per_second", ("node",), max), "Node")
    channels = _best(found, "fanout_single_per_second", ("channels",), max, _SINGLE_TIMES_CHANNELS)
    above("fanout_single_per_second", channels, "10 times Channels")
    node = _best(found, "fanout_joined_per_second", ("node",), max, _JOINED_TIMES_NODE)
    above("fanout_joined_per_second", node, "8 times Node")
    for name in ("latency_cpu_us_per_event", "fanout_single_cpu_us", "fanout_joined_cpu_us"):
        below(name, _best(found, name, PYTHON_PEERS, min), "Python's peers")
    above("reconnected_per_second", _best(found, "reconnected_per_second", PYTHON_PEERS, max), "Channels and Starlette")
    below("reconnect_p99_s", _BACK_SECONDS, "5 s")
    below("reconnect_not_back", 0, "one")
    below("reconnect_lost_events", 0, "one")
    return judged


def print_aims(found: Found) -> None:
    judged = judge(found)
    if judged:
        print("\naims")
    for text, (own, bound, is_met) in judged.items():
        print(f"  {'met   ' if is_met else 'MISSED'}  {text:<80}{own:>14,.2f}{bound:>14,.2f}")


def _best(
    found: Found, name: str, servers: Sequence[str], of: Callable[[list[float]], float], times: float = 1
) -> float | None:
    values = [found[server][name] for server in servers if name in found.get(server, {})]
    return of(values) * times if values else None
