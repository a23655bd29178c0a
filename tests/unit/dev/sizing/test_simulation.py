"""The simulated stations beside theory, and the simulated benches beside what is known of them."""

from math import inf

import pytest

from dev.sizing.bench_runs import simulate_one_worker, simulate_waiting
from dev.sizing.collection_path import (
    OtherRequests,
    PathCosts,
    PathLoad,
    PathSize,
    expect,
    expected_polls,
    simulate_arrivals,
)
from dev.sizing.figures import ACTION_WEB
from dev.sizing.stations import MultiServerQueue

# A quick provider, so that few collections are under way at once.
COSTS = PathCosts(worker=0.0148, postgres=0.0098, redis=0.002, approval=1.0, poll_interval=0.5)


def test_erlang_c_is_that_of_the_textbook():
    assert MultiServerQueue(0.5, 1, 1).mean_wait() == pytest.approx(1)  # M/M/1: load / (rate of service - arrivals)
    assert MultiServerQueue(0.255, 10, 3).mean_wait() == pytest.approx(16.23, abs=0.01)


def test_erlang_c_knows_thousands_of_servers():
    assert 0 < MultiServerQueue(1990, 1, 2000).mean_wait() < 1


def test_a_queue_that_cannot_keep_up_waits_for_ever():
    assert MultiServerQueue(2, 1, 2).mean_wait() == inf


def test_simulated_stations_are_as_the_formula_says():
    stations, met = simulate_arrivals(COSTS, PathSize(), PathLoad(20), collections=2000, seed=3)
    for name in ("web", "worker cores", "postgres", "redis"):
        found = stations[name]
        assert found["busy_%"] == pytest.approx(found["by_formula_%"], rel=0.1)
        assert found["mean_wait_ms"] == pytest.approx(found["by_formula_ms"], rel=0.2)
    assert met["collections_per_second"] == pytest.approx(20, rel=0.1)


def test_a_second_core_shortens_the_line():
    one, two = (
        simulate_arrivals(COSTS, PathSize(web=web), PathLoad(25), collections=500, seed=3)[0]["web"] for web in (1, 2)
    )
    assert two["busy_%"] == pytest.approx(one["busy_%"] / 2, rel=0.1)
    assert two["mean_wait_ms"] < one["mean_wait_ms"] / 4


def test_other_requests_take_their_part_of_a_station():
    load = PathLoad(5, OtherRequests(per_second=40, web=0.01, postgres=0.005, redis=0.001))
    stations, _ = simulate_arrivals(COSTS, PathSize(), load, collections=500, seed=3)
    busy = 5 * 2 * ACTION_WEB.value / 1000 + 40 * 0.01
    assert expect(COSTS, PathSize(), load)["web"].utilisation == pytest.approx(busy)
    assert stations["web"]["busy_%"] == pytest.approx(busy * 100, rel=0.1)


def test_too_few_threads_make_people_wait():
    slow = PathCosts(0.0148, 0.0098, 0.002, approval=1.0, poll_interval=0.5, calls={1: 1.0})
    few, many = (
        simulate_arrivals(slow, PathSize(threads=threads), PathLoad(10), collections=500, seed=3)[1]
        for threads in (11, 100)
    )
    assert few["approval_to_completed_p99_s"] > 1.5 * many["approval_to_completed_p99_s"]


def test_the_same_seed_gives_the_same_run():
    first, second = (simulate_arrivals(COSTS, PathSize(), PathLoad(20), collections=50, seed=5) for _ in range(2))
    assert first == second


def test_polls_go_on_until_the_approval_was_seen():
    assert expected_polls(PathCosts(1, 1, 1, approval=1e-9)) == pytest.approx(1)
    assert expected_polls(PathCosts(1, 1, 1, approval=40)) == pytest.approx(20.5, abs=0.1)


def test_a_worker_of_one_thread_takes_as_long_as_all_its_parts():
    costs = PathCosts(worker=0.010, postgres=0.006, redis=0.002, commit_waits=0.002)
    assert simulate_one_worker(costs, threads=1, window=5, collections=500, seed=3) == pytest.approx(50, rel=0.05)


def test_a_worker_of_many_threads_takes_as_long_as_its_core():
    costs = PathCosts(worker=0.010, postgres=0.006, redis=0.002, commit_waits=0.002)
    assert simulate_one_worker(costs, threads=20, window=20, collections=500, seed=3) == pytest.approx(100, rel=0.1)


def test_an_approval_waits_for_half_an_interval():
    delays, share = simulate_waiting(
        PathCosts(1, 1, 1, poll=0.001, poll_interval=2), phones=400, seconds=8, approvals=300, seed=3
    )
    assert len(delays) == 300
    assert sum(delays) / 300 == pytest.approx(1, rel=0.1)
    assert share == pytest.approx(0.2, rel=0.1)
