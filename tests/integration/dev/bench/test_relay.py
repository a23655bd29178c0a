"""The bench of the relay's sockets, at a size that says nothing about speed: it works, and its counts are exact."""

import pytest

from dev.bench.relay.__main__ import find_unmeasured
from dev.bench.relay.aims import judge
from dev.bench.relay.options import read_options
from tests.integration.dev.bench.running import SECONDS, run_bench

SIZES = "--sockets 10 20 --settle-seconds 0.1 --closed-seconds 0.1 --idle-seconds 0.1 --streams 10 --servers welno"
MORE = (
    "--rate 100 --seconds 0.2 --fanout-sockets 10 --events 3 --joined 5 --reconnecting 30 --spread-seconds 1 --rounds 1"
)


@pytest.mark.timeout(SECONDS + 30)
def test_the_relay_is_measured_beside_the_floor():
    found = run_bench("dev.bench.relay", f"{SIZES} {MORE}")["servers"]
    assert found.keys() == {"welno", "redis-py"}
    own = found["welno"]
    assert (own["reconnect_lost_events"], own["reconnect_doubled_events"], own["idle_lost_sockets"]) == (0, 0, 0)
    assert (own["move_sockets"], own["move_lost_events"], own["move_doubled_events"]) == (30, 0, 0)
    assert min(own["fanout_joined_per_second"], own["fanout_single_per_second"], own["latency_p50_ms"]) > 0
    assert found["redis-py"]["publish_p99_and_append_p50_ms"] > 0


@pytest.mark.parametrize(
    ("servers", "own", "expected"),
    [
        ("welno,node", {"latency_p50_ms": 1.0, "fanout_single_per_second": 1.0}, []),
        ("welno,node", {"latency_p50_ms": 1.0}, ["fanout"]),
        ("node", None, []),
    ],
)
def test_a_part_that_our_own_server_failed_is_told(servers: str, own: dict[str, float] | None, expected: list[str]):
    options = read_options(["--servers", servers, "--parts", "latency,fanout"], None)
    assert find_unmeasured(options, {"node": {}} | ({} if own is None else {"welno": own})) == expected


def test_an_aim_is_judged_only_against_what_was_measured():
    own = {"kib_per_socket_5000": 2.5, "latency_p50_ms": 0.2, "fanout_single_per_second": 90.0}
    judged = judge({"welno": own, "node": {"latency_p50_ms": 0.3}})
    assert {text: compared["is_met"] for text, compared in judged.items()} == {
        "kib_per_socket_5000 below 2 KiB": False,
        "latency_p50_ms below Node": True,
    }


@pytest.mark.parametrize(
    ("option", "complaint"),
    [("--servers=welno,other", "choose from welno,node"), ("--workload=other", "invalid choice")],
)
def test_what_is_unknown_is_refused(capsys: pytest.CaptureFixture[str], option: str, complaint: str):
    with pytest.raises(SystemExit):
        read_options([option], None)
    assert complaint in capsys.readouterr().err
