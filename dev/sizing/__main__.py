"""Reckons what a city, a hospital group and the country would need, and where the first wall stands for each.

    python -m dev.sizing

From measured and assumed costs (dev/sizing/figures.py) and the demand of each population to cores, processes, machines,
memory, connections and bytes; a discrete-event simulation of a collection's path beside the closed formula and beside
measured runs. Starts no server. With --measure it runs two benches first, which takes minutes and wants the machine for
itself, and compares with those; with --write it puts the tables into docs/sizing.md. The last line is JSON.
"""

import argparse
import contextlib
import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dev.bench.results import Results
from dev.sizing.comparison import compare_documented, compare_fresh
from dev.sizing.page import replace_tables, split_tables
from dev.sizing.tables import (
    comparison_table,
    demand_tables,
    figure_tables,
    need_tables,
    simulation_tables,
    wall_tables,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sizing.md"


@dataclass(frozen=True)
class SizingOptions:
    collections: int
    seed: int
    measure: bool
    write: bool


def read_options(arguments: Sequence[str]) -> SizingOptions:
    parser = argparse.ArgumentParser(prog="python -m dev.sizing", description=__doc__)
    parser.add_argument("--collections", type=int, default=250, help="simulated for each population")
    parser.add_argument("--seed", type=int, default=7)
    # What one machine measured has no place in the page that others check.
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--measure", action="store_true", help="compare with fresh runs of the benches, too")
    either.add_argument("--write", action="store_true", help="put the tables into docs/sizing.md")
    return SizingOptions(**vars(parser.parse_args(arguments)))


def main(arguments: Sequence[str]) -> int:
    """1 when a judged comparison is further off than it may be."""
    options = read_options(arguments)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        is_within = _report(options)
    sys.stdout.write(printed.getvalue())
    if options.write:
        PAGE.write_text(replace_tables(PAGE.read_text("utf-8"), split_tables(printed.getvalue())), "utf-8")
    return 0 if is_within else 1


def _report(options: SizingOptions) -> bool:
    results = Results("sizing", vars(options))
    tables = demand_tables() | need_tables() | wall_tables() | simulation_tables(options.collections, options.seed)
    compared = compare_documented(options.seed)
    tables["compared"] = comparison_table(compared)
    if options.measure:
        fresh = compare_fresh(options.seed)
        compared |= {f"{name} (fresh)": one for name, one in fresh.items()}
        tables["compared"] = comparison_table(compared)
    for section, rows in (tables | figure_tables()).items():
        results.add_markdown(section, rows)
    results.finish()
    return all(one.verdict != "missed" for one in compared.values())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
