"""The simulated line, its check by theory, and what is judged of the estimates."""

import json

import pytest

from dev.bench.journey_estimates.__main__ import EstimateOptions, judge, main, measure_estimates
from dev.bench.journey_estimates.forecasts import Forecast, LineHistory
from dev.bench.journey_estimates.queueing import QueueModel, SimulatedVisit, simulate
from services.journey.estimates import Estimate, EstimateBasis

MODEL = QueueModel()


def test_erlang_c_is_that_of_the_textbook():
    assert QueueModel(desks=1, load=0.5).mean_wait_minutes() == pytest.approx(10)  # M/M/1: s * load / (1 - load)
    assert MODEL.mean_wait_minutes() == pytest.approx(16.23, abs=0.01)


def test_a_quiet_line_is_as_theory_says():
    quiet = QueueModel(load=0.5)
    waits = [visit.wait_minutes for visit in simulate(quiet, 40_000, 1)]
    assert sum(waits) / len(waits) == pytest.approx(quiet.mean_wait_minutes(), rel=0.05)


def test_nobody_is_overtaken_and_no_desk_has_two():
    visits = list(simulate(MODEL, 2_000, 1))
    assert [one.started_at for one in visits] == sorted(one.started_at for one in visits)
    for one in visits:
        assert sum(other.started_at <= one.started_at < other.ended_at for other in visits) <= MODEL.desks


def test_a_line_knows_only_what_has_happened():
    line = LineHistory(MODEL)
    line.join(SimulatedVisit(0, 0, 8), 0)
    line.join(SimulatedVisit(0, 6, 20), 3)
    line.move_to(5)
    assert (line.ahead, line.rates().busy, line.rates().exam_count, line.rates().call_count) == (1, 1, 0, 0)
    line.move_to(9)
    rates = line.rates()
    assert (line.ahead, rates.busy, rates.mean_minutes, rates.ratios) == (0, 1, 8.0, (2.0, 2.0))


def test_the_judgement_is_of_errors_bias_and_band():
    told = Estimate(10, 5, 15, EstimateBasis.FIXED)
    found = judge([Forecast(told, 12.0, 8.0), Forecast(told, 20.0, 16.0)])
    assert found == {
        "people": 2,
        "mean_wait_minutes": 12.0,
        "error_minutes": 4.0,
        "peer_error_minutes": 4.0,
        "error_ratio": 1.0,
        "bias_share": pytest.approx(-1 / 6),
        "coverage": 0.5,
    }


def test_estimates_come_near_those_of_the_true_rates():
    waited = [one for one in measure_estimates(MODEL, EstimateOptions(seeds=2)) if one.wait_minutes > 0]
    found = judge(waited)
    assert found["error_ratio"] < 1.35
    assert 0.7 < found["coverage"] < 0.9


def test_the_bench_ends_with_a_line_of_json(capsys: pytest.CaptureFixture[str]):
    assert main(["--seeds", "1", "--people", "300", "--check-runs", "1", "--check-people", "300"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["estimates"]["everybody"]["people"] == 300
    assert found["aims"].keys() == {"error_ratio_is_met", "bias_is_met", "coverage_is_met", "erlang_is_met"}
