"""The benches of the sockets, at sizes that say nothing about speed: they work, and their counts are exact."""

import pytest

from dev.bench.relay.aims import judge
from dev.bench.relay.plan import read_plan
from dev.bench.soak.__main__ import describe_memory
from tests.integration.dev.bench.running import run_bench

SMALL = "--sockets 20 40 --settle-seconds 0.1 --idle-seconds 0.1 --streams 20 --rate 100 --seconds 0.3"
SMALLER = "--fanout-sockets 20 --events 10 --joined 5 --reconnecting 30 --spread-seconds 1 --rounds 1 --servers welno"


def test_the_relay_is_measured_beside_the_floor():
    found = run_bench("dev.bench.relay", f"{SMALL} {SMALLER}")
    assert found["servers"].keys() == {"welno", "redis-py"}
    own = found["servers"]["welno"]
    assert (own["reconnect_lost_events"], own["reconnect_doubled_events"], own["idle_lost_sockets"]) == (0, 0, 0)
    assert (own["move_sockets"], own["move_lost_events"], own["move_doubled_events"]) == (30, 0, 0)
    assert min(own["fanout_joined_per_second"], own["fanout_single_per_second"], own["latency_p50_ms"]) > 0
    assert found["servers"]["redis-py"]["publish_p99_and_append_p50_ms"] > 0


def test_a_soak_delivers_each_event_once():
    found = run_bench("dev.bench.soak", "--sockets 30 --seconds 4 --rate 100 --cuts 20 --absence-seconds 0.3 --seed 7")[
        "soak"
    ]
    assert found["appended"] > 100
    assert (found["delivered_to_appended"], found["streams_not_exact"]) == (1, 0)
    assert found["cut_reset"] + found["cut_close"] + found["cut_half_close"] > 20


def test_growing_memory_is_not_flat():
    growing = [(float(second), 100e6 + second * 1e6) for second in range(40)]
    figures = describe_memory(growing)
    assert not figures["memory_is_flat"]
    assert figures["memory_slope_mib_per_hour"] == pytest.approx(3600 * 1e6 / 2**20)


def test_memory_that_only_filled_up_at_first_is_flat():
    filled = [(float(second), 100e6 * min(1, 0.2 + second / 10)) for second in range(40)]
    assert describe_memory(filled)["memory_is_flat"]


def test_an_aim_is_judged_only_against_what_was_measured():
    own = {"kib_per_socket_5000": 4.5, "latency_p50_ms": 0.2, "fanout_single_per_second": 90.0}
    judged = judge({"welno": own, "node": {"latency_p50_ms": 0.3}})
    assert {text: compared["is_met"] for text, compared in judged.items()} == {
        "kib_per_socket_5000 below 4 KiB": False,
        "latency_p50_ms below Node and Python's peers": True,
    }


def test_an_unknown_server_is_refused(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        read_plan(["--servers", "welno,other"], None)
    assert "choose from welno,node" in capsys.readouterr().err
