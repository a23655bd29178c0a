"""Measures the estimates of waits in a simulated M/M/3 line, beside a peer that is told the true rates.

    python -m dev.bench.journey_estimates --seeds 6 --people 4000 --check-runs 10 --check-people 50000

The simulator itself is checked first: its mean wait against Erlang C. The peer is (ahead+1)*s/c, the best there is for
whoever has to wait. The aims are judged over those: who finds a free desk is told so by either. Exit status 1 when an
aim is missed and the sizes are those the aims are for, or larger. The last line is JSON.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from dev.bench.journey_estimates.forecasts import Forecast, forecast
from dev.bench.journey_estimates.queueing import QueueModel, simulate
from dev.bench.results import Metrics, Results
from services.journey.estimates import RuleBasedEstimator

ERROR_RATIO_AIM, BIAS_AIM, COVERAGE_AIM, ERLANG_AIM = 1.25, 0.10, (0.75, 0.85), 0.05
_CHECK_SEED = 1_000


@dataclass(frozen=True)
class EstimateOptions:
    seeds: int = 6
    people: int = 4_000
    check_runs: int = 10
    check_people: int = 50_000

    def suffice(self) -> bool:
        """Below these sizes chance alone misses the aims."""
        default = EstimateOptions()
        return all(getattr(self, name) >= least for name, least in vars(default).items())


def read_options(arguments: Sequence[str]) -> EstimateOptions:
    parser = argparse.ArgumentParser(prog="python -m dev.bench.journey_estimates", description=__doc__)
    default = EstimateOptions()
    parser.add_argument("--seeds", type=int, default=default.seeds, help="simulated lines")
    parser.add_argument("--people", type=int, default=default.people, help="in each of them")
    parser.add_argument("--check-runs", type=int, default=default.check_runs, help="lines that check the simulator")
    parser.add_argument("--check-people", type=int, default=default.check_people, help="in each of those")
    return EstimateOptions(**vars(parser.parse_args(arguments)))


def measure_simulator(model: QueueModel, options: EstimateOptions) -> Metrics:
    seeds = range(_CHECK_SEED, _CHECK_SEED + options.check_runs)
    simulated = fmean(visit.wait_minutes for seed in seeds for visit in simulate(model, options.check_people, seed))
    expected = model.mean_wait_minutes()
    apart = abs(simulated - expected) / expected
    return {
        "mean_wait_minutes": simulated,
        "erlang_c_minutes": expected,
        "apart_share": apart,
        "erlang_is_met": apart <= ERLANG_AIM,
    }


def measure_estimates(model: QueueModel, options: EstimateOptions) -> list[Forecast]:
    estimator = RuleBasedEstimator()
    return [
        one
        for seed in range(options.seeds)
        for one in forecast(model, estimator, simulate(model, options.people, seed))
    ]


def judge(forecasts: Sequence[Forecast]) -> Metrics:
    mean_wait = fmean(one.wait_minutes for one in forecasts)
    error = fmean(abs(one.estimate.minutes - one.wait_minutes) for one in forecasts)
    peer_error = fmean(abs(one.peer_minutes - one.wait_minutes) for one in forecasts)
    bias = fmean(one.estimate.minutes - one.wait_minutes for one in forecasts)
    return {
        "people": len(forecasts),
        "mean_wait_minutes": mean_wait,
        "error_minutes": error,
        "peer_error_minutes": peer_error,
        "error_ratio": error / peer_error,
        "bias_share": bias / mean_wait,
        "coverage": fmean(one.estimate.low <= one.wait_minutes <= one.estimate.high for one in forecasts),
    }


def compare_with_aims(found: Metrics) -> Metrics:
    low, high = COVERAGE_AIM
    return {
        "error_ratio_is_met": found["error_ratio"] <= ERROR_RATIO_AIM,
        "bias_is_met": abs(found["bias_share"]) <= BIAS_AIM,
        "coverage_is_met": low <= found["coverage"] <= high,
    }


def main(arguments: Sequence[str]) -> int:
    options = read_options(arguments)
    model = QueueModel()
    results = Results("journey_estimates", vars(options))
    print(f"journey estimates: {vars(model)}, {vars(options)}")
    simulator = measure_simulator(model, options)
    results.add("simulator", simulator, "the simulator beside Erlang C")
    forecasts = measure_estimates(model, options)
    waited = judge([one for one in forecasts if one.wait_minutes > 0])
    results.add_table("estimates", {"who waited": waited, "everybody": judge(forecasts)})
    aims = compare_with_aims(waited) | {"erlang_is_met": simulator["erlang_is_met"]}
    results.add("aims", aims, "aims met (1) or missed (0)")
    results.finish()
    return int(options.suffice() and not all(aims.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
