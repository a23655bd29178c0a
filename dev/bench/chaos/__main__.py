"""`python -m dev.bench.chaos --kills 1000 --seed 7`: see the table at the end. Exits with 1 when anything was lost,
doubled or left over.

Needs nothing but this machine. `--keep FOLDER` keeps the servers' data and logs for looking into a finding.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from dev.bench.chaos.blows import Kind
from dev.bench.chaos.echo import Echo
from dev.bench.chaos.killer import Killer
from dev.bench.chaos.leftovers import find_leftovers
from dev.bench.chaos.report import measure, print_report
from dev.bench.chaos.stage import Stage
from dev.bench.chaos.town import Town
from dev.bench.chaos.verdict import Judge, Verdict
from dev.bench.chaos.weather import Weather
from dev.bench.chaos.witness import IncomingWatch, Witness


@dataclass(frozen=True)
class Plan:
    kills: int
    seed: int
    arrivals: float
    workers: int
    settle_seconds: float
    pause: tuple[float, float]
    only: tuple[Kind, ...]
    keep: Path | None


def read_plan(arguments: Sequence[str]) -> Plan:
    parser = argparse.ArgumentParser(prog="python -m dev.bench.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="blows to deal")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    parser.add_argument("--arrivals", type=float, default=1.0, help="new sessions per second")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--settle-seconds", type=float, default=30.0, help="after the last blow")
    parser.add_argument("--pause", type=float, nargs=2, default=(0.5, 1.5), help="least and longest, between blows")
    parser.add_argument("--only", type=Kind, nargs="+", default=tuple(Kind), metavar="KIND", help="of these kinds only")
    parser.add_argument("--keep", type=Path, help="keep servers' data and logs in this folder")
    given = parser.parse_args(arguments)
    return Plan(
        kills=given.kills,
        seed=given.seed,
        arrivals=given.arrivals,
        workers=given.workers,
        settle_seconds=given.settle_seconds,
        pause=(given.pause[0], given.pause[1]),
        only=tuple(given.only),
        keep=given.keep,
    )


@contextmanager
def home_of(plan: Plan) -> Iterator[Path]:
    if plan.keep is not None:
        plan.keep.mkdir(parents=True, exist_ok=True)
        yield plan.keep
        return
    with tempfile.TemporaryDirectory(prefix="welno-chaos-") as folder:
        yield Path(folder)


def run(plan: Plan) -> bool:
    """Whether everything held."""
    print(f"seed {plan.seed}: {plan.kills} blows, {plan.arrivals:g} sessions a second, {plan.workers} workers")
    with home_of(plan) as home:
        stage = Stage(home, plan.workers)
        with stage.opened() as stack:
            witness = Witness(stack.postgres.url)
            witness.prepare()
            # Those that hold a lease already did so before anybody watched: they take new ones, with names on file.
            for name in (*stage.pollers, *stage.workers):
                stack.restart(name)
            watch = IncomingWatch(Path(stack.env["TILKO_DATA_DIR"]) / "incoming")
            watch.start()
            return _run_on(plan, stage, witness, watch)


def _run_on(plan: Plan, stage: Stage, witness: Witness, watch: IncomingWatch) -> bool:
    stack = stage.stack
    town = Town(stack.web_url, stack.sandbox_url, random.Random(f"{plan.seed} town"), plan.arrivals)
    weather = Weather(stack.sandbox_url, random.Random(f"{plan.seed} weather"))
    echo = Echo(stack.valkey.url, random.Random(f"{plan.seed} echo"))
    killer = Killer(stage, town, witness, random.Random(f"{plan.seed} killer"), plan.only)
    town.open()
    blowing = town.do(weather.blow())
    echo.start()
    try:
        _strike(plan, killer)
        town.stop_arrivals()
        blowing.cancel()
        town.do(weather.clear()).result(10)
        settled = _settle(plan, killer, town, witness)
        print(f"{len(killer.blows)} blows dealt; all was settled {settled:.1f} s after the last")
        print(f"the provider had {weather.sent} faults, {echo.repeated} messages were delivered twice")
        print(f"ended by themselves and were started again: {dict(killer.ended_by_themselves)}")
    finally:
        echo.stop()
        town.close()
    return _tell(plan, stage, witness, Judge(stage, witness, watch, town.visits).judge(), killer)


def _strike(plan: Plan, killer: Killer) -> None:
    dice = random.Random(f"{plan.seed} pauses")
    began = time.monotonic()
    killer.wait(5)
    for number in range(1, plan.kills + 1):
        killer.strike()
        killer.wait(dice.uniform(*plan.pause))
        if number % 50 == 0:
            print(f"{number} blows after {time.monotonic() - began:.0f} s", flush=True)


def _settle(plan: Plan, killer: Killer, town: Town, witness: Witness) -> float:
    """Seconds until nothing was open any more; at most the settling time."""
    began = time.monotonic()
    killer.heal()
    while time.monotonic() - began < plan.settle_seconds:
        killer.wait(0.5)
        if not town.unfinished and not _is_open(witness):
            break
    settled = time.monotonic() - began
    # Upkeep may use the whole time.
    killer.wait(max(plan.settle_seconds - settled, 0))
    return settled


def _is_open(witness: Witness) -> bool:
    try:
        open_runs = witness.query(
            "select 1 from welno.welno_collection_history where run_state not in ('ended', 'idle') limit 1"
        )
    except psycopg2.Error:
        return True
    return bool(open_runs)


def _tell(plan: Plan, stage: Stage, witness: Witness, verdict: Verdict, killer: Killer) -> bool:
    left = find_leftovers(stage, witness)
    measure(killer.blows, witness.changes())
    print_report(killer.blows, verdict, left, plan.seed)
    return verdict.is_good and not left


if __name__ == "__main__":
    sys.exit(0 if run(read_plan(sys.argv[1:])) else 1)
