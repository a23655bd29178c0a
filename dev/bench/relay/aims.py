"""What the relay is meant to reach, held against the figures of one run."""

from collections.abc import Iterator, Mapping

from dev.bench.relay.servers import PYTHON_PEERS
from dev.bench.results import Metrics

_OWN, _FLOOR = "welno", "redis-py"
# By how a figure's name begins: the size of the crowd stands at its end.
_AT_MOST_OF_ANY_CROWD = (("kib_per_socket", 4.0, "4 KiB"), ("idle_percent", 5.0, "5 %"))
_AT_MOST = (
    ("reconnect_p99_s", 5.0, "5 s"),
    ("reconnect_not_back", 0.0, "one"),
    ("reconnect_lost_events", 0.0, "one"),
    ("move_come_to_live_p99_s", 1.0, "1 s: no storm"),
    ("move_lost_events", 0.0, "one"),
    ("move_doubled_events", 0.0, "one"),
    ("move_other_goodbyes", 0.0, "one"),
)
_BELOW_PEERS = (
    ("latency_p50_ms", ("node", *PYTHON_PEERS), "Node and Python's peers"),
    ("latency_cpu_us_per_event", PYTHON_PEERS, "Python's peers"),
    ("fanout_single_cpu_us", PYTHON_PEERS, "Python's peers"),
    ("fanout_joined_cpu_us", PYTHON_PEERS, "Python's peers"),
)
_ABOVE_PEERS = (
    ("fanout_single_per_second", ("node",), 1, "Node"),
    ("fanout_single_per_second", ("channels",), 10, "10 times Channels"),
    ("fanout_joined_per_second", ("node",), 8, "8 times Node"),
    ("reconnected_per_second", PYTHON_PEERS, 1, "Channels and Starlette"),
)
Found = Mapping[str, Metrics]


def judge(found: Found) -> dict[str, Metrics]:
    """Ours, the aim, and whether that is reached; nothing of what was not measured."""
    own = found.get(_OWN, {})
    below = {f"{name} below {what}": (own[name], bound) for name, bound, what in _bounds(found) if name in own}
    above = {f"{name} above {what}": (own[name], bound) for name, bound, what in _floors(found) if name in own}
    judged = {text: _compare(value, bound, is_met=value <= bound) for text, (value, bound) in below.items()}
    return judged | {text: _compare(value, bound, is_met=value >= bound) for text, (value, bound) in above.items()}


def _compare(value: float, bound: float, *, is_met: bool) -> Metrics:
    return {"welno": value, "aim": bound, "is_met": is_met}


def _bounds(found: Found) -> Iterator[tuple[str, float, str]]:
    for begin, bound, what in _AT_MOST_OF_ANY_CROWD:
        yield from ((name, bound, what) for name in found.get(_OWN, {}) if name.startswith(begin))
    for name, servers, what in _BELOW_PEERS:
        values = [found[server][name] for server in servers if name in found.get(server, {})]
        if values:
            yield name, min(values), what
    floor = found.get(_FLOOR, {}).get("publish_p99_and_append_p50_ms")
    if floor is not None:
        yield "latency_p99_ms", floor, "redis-py's publish to subscribe and the append"
    yield from _AT_MOST


def _floors(found: Found) -> Iterator[tuple[str, float, str]]:
    accepted = [name for name in found.get(_OWN, {}) if name.startswith("accepted_per_second")]
    crowds = [(name, PYTHON_PEERS, 1, "Channels and Starlette") for name in accepted]
    for name, servers, times, what in (*crowds, *_ABOVE_PEERS):
        values = [found[server][name] for server in servers if name in found.get(server, {})]
        if values:
            yield name, max(values) * times, what
