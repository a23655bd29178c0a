"""The bench of idle processes: each of them is measured, beside its floor."""

from tests.integration.dev.bench.running import run_bench


def test_each_process_is_measured_beside_the_floor():
    found = run_bench("dev.bench.idle", "--seconds 2 --rounds 1")["processes"]
    own = {"web", "worker", "interviews", "poller", "sweeper", "beat"}
    assert set(found) == own | {"postgres", "valkey", "floor"}
    assert found["floor"]["times_floor"] == 1
    assert all(found[name]["core_percent"] >= 0 for name in found)
