"""What every bench does with its numbers: percentiles, medians of rounds, a table and one line of JSON."""

import json
from collections.abc import Mapping, Sequence
from statistics import median

Figures = dict[str, float]


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the others does not exceed; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


def spread(values: Sequence[float], name: str) -> Figures:
    """p50 and p99 of seconds, in ms."""
    return {f"{name}_p{share}_ms": percentile(values, share / 100) * 1000 for share in (50, 99)}


def medians(rounds: Sequence[Figures]) -> Figures:
    """Of each figure over the rounds."""
    return {name: median(one[name] for one in rounds) for name in rounds[0]}


def print_figures(title: str, figures: Mapping[str, float]) -> None:
    print(f"\n{title}")
    for name, value in figures.items():
        print(f"  {name.replace('_', ' '):<52}{value:>12,.2f}")


def print_table(columns: Sequence[str], rows: Mapping[str, Mapping[str, float]]) -> None:
    """One row per method; a figure that a method does not have stays empty."""
    width = max(map(len, rows)) + 2
    print("  ".join([" " * width, *(f"{column.replace('_', ' '):>{len(column)}}" for column in columns)]))
    for name, figures in rows.items():
        cells = (
            f"{figures[column]:>{len(column)}.2f}" if column in figures else " " * len(column) for column in columns
        )
        print("  ".join([f"{name:<{width}}", *cells]))


def print_json(bench: str, figures: Mapping[str, object]) -> None:
    """The last line."""
    print()
    print(json.dumps({"bench": bench, **figures}, default=lambda value: round(float(value), 3)), flush=True)
