"""What one run does, and how big it is."""

import argparse
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dev.bench.chaos.workloads import WORKLOADS


@dataclass(frozen=True)
class ChaosOptions:
    workload: str
    hosts: bool
    kills: int
    seed: int
    arrivals: float
    people: int
    desks: int
    workers: int
    settle_seconds: float
    quiet_seconds: float
    pause: tuple[float, float]
    only: tuple[str, ...]
    keep: Path | None


def read_options(arguments: Sequence[str], description: str | None) -> ChaosOptions:
    parser = argparse.ArgumentParser(prog="python -m dev.bench.chaos", description=description)
    parser.add_argument("--workload", choices=list(WORKLOADS), default="collection")
    parser.add_argument("--hosts", action="store_true", help="over the hosts of a data centre (docs/hosts.md)")
    parser.add_argument("--kills", type=int, default=1000, help="faults to inject")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    parser.add_argument("--arrivals", type=float, default=1.0, help="new clients per second")
    parser.add_argument(
        "--people",
        type=int,
        default=1000,
        help="patients of the journey, or members of projects or threads, who act all the time",
    )
    parser.add_argument("--desks", type=int, default=20, help="members of its staff, who do, too")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--settle-seconds", type=float, default=30.0, help="at most, after the last fault")
    parser.add_argument("--quiet-seconds", type=float, default=10.0, help="with nothing open, for what comes late")
    parser.add_argument("--pause", type=float, nargs=2, default=(0.5, 1.5), help="least and longest, between faults")
    parser.add_argument("--only", nargs="+", default=(), metavar="KIND", help="of these kinds only")
    parser.add_argument("--keep", type=Path, help="keep servers' data and logs in this folder")
    given = vars(parser.parse_args(arguments))
    return ChaosOptions(**given | {"pause": tuple(given["pause"]), "only": tuple(given["only"])})
