"""What the relay is meant to reach, compared with the metrics of one run."""

from collections.abc import Iterator, Mapping

from dev.bench.relay.servers import PYTHON_PEERS
from dev.bench.results import Metrics

_OWN, _FLOOR = "welno", "redis-py"
# By how a metric's name begins: the number of sockets stands at its end.
_AT_MOST_PER_SIZE = (("kib_per_socket", 2.0, "2 KiB"), ("idle_percent", 2.0, "2 %"))
_AT_MOST = (
    ("reconnect_p99_s", 3.0, "3 s"),
    ("reconnect_kib_per_socket", 8.0, "8 KiB"),
    ("reconnect_not_back", 0.0, "one"),
    ("reconnect_lost_events", 0.0, "one"),
    ("move_come_to_live_p99_s", 1.0, "1 s: no storm"),
    ("move_lost_events", 0.0, "one"),
    ("move_doubled_events", 0.0, "one"),
    ("move_other_closes", 0.0, "one"),
)
_BELOW_PEERS = (
    ("latency_p50_ms", ("node",), "Node"),
    ("latency_cpu_us_per_event", PYTHON_PEERS, "Python's peers"),
    ("fanout_single_cpu_us", PYTHON_PEERS, "Python's peers"),
    ("fanout_joined_cpu_us", PYTHON_PEERS, "Python's peers"),
)
_ABOVE_PEERS = (
    ("fanout_single_per_second", ("node",), 1, "Node"),
    ("fanout_single_per_second", ("channels",), 10, "10 times Channels"),
    ("fanout_joined_per_second", ("node",), 10, "10 times Node"),
    ("reconnected_per_second", PYTHON_PEERS, 1, "Channels and Starlette"),
)
_ACCEPTED_PER_SIZE = ("starlette",), 1.5, "1.5 times Starlette"
ServerMetrics = Mapping[str, Metrics]


def judge(found: ServerMetrics) -> dict[str, Metrics]:
    """Ours, the aim, and whether that is reached; nothing of what was not measured."""
    own = found.get(_OWN, {})
    below = {f"{name} below {what}": (own[name], aim) for name, aim, what in _upper_bounds(found) if name in own}
    above = {f"{name} above {what}": (own[name], aim) for name, aim, what in _lower_bounds(found) if name in own}
    judged = {text: _compare(value, aim, is_met=value <= aim) for text, (value, aim) in below.items()}
    return judged | {text: _compare(value, aim, is_met=value >= aim) for text, (value, aim) in above.items()}


def _compare(value: float, aim: float, *, is_met: bool) -> Metrics:
    return {"welno": value, "aim": aim, "is_met": is_met}


def _upper_bounds(found: ServerMetrics) -> Iterator[tuple[str, float, str]]:
    for begin, aim, what in _AT_MOST_PER_SIZE:
        yield from ((name, aim, what) for name in found.get(_OWN, {}) if name.startswith(begin))
    for name, servers, what in _BELOW_PEERS:
        values = [found[server][name] for server in servers if name in found.get(server, {})]
        if values:
            yield name, min(values), what
    floor = found.get(_FLOOR, {}).get("publish_p99_and_append_p50_ms")
    if floor is not None:
        yield "latency_p99_ms", floor, "redis-py's publish to subscribe and the append"
    yield from _AT_MOST


def _lower_bounds(found: ServerMetrics) -> Iterator[tuple[str, float, str]]:
    accepted = [name for name in found.get(_OWN, {}) if name.startswith("accepted_per_second")]
    per_size = [(name, *_ACCEPTED_PER_SIZE) for name in accepted]
    for name, servers, times, what in (*per_size, *_ABOVE_PEERS):
        values = [found[server][name] for server in servers if name in found.get(server, {})]
        if values:
            yield name, max(values) * times, what
