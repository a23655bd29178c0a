"""What every bench does with its numbers: percentiles, medians of rounds, tables, and the same as one line of JSON."""

import json
from collections.abc import Mapping, Sequence
from statistics import median

Metrics = dict[str, float]
_NAME_WIDTH, _VALUE_WIDTH = 52, 12


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the others does not exceed; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


def percentiles_ms(values: Sequence[float], name: str) -> Metrics:
    """p50 and p99 of seconds, in ms."""
    return {f"{name}_p{share}_ms": percentile(values, share / 100) * 1000 for share in (50, 99)}


def medians(rounds: Sequence[Metrics]) -> Metrics:
    """Of each metric over the rounds."""
    return {name: median(one[name] for one in rounds) for name in rounds[0]}


class Results:
    """Prints each section as it is added, and at the end one line of JSON with the same sections and the options."""

    def __init__(self, bench: str, options: Mapping[str, object]) -> None:
        self._bench = bench
        self._options = dict(options)
        self._sections: dict[str, object] = {}

    def add(self, section: str, metrics: Mapping[str, float], title: str | None = None) -> None:
        """One line per metric."""
        kept = _rounded(metrics)
        self._keep(section, kept)
        print(f"\n{title or readable(section)}")
        for name, value in kept.items():
            print(f"  {readable(name):<{_NAME_WIDTH}}{value:>{_VALUE_WIDTH},.2f}")

    def add_table(
        self, section: str, rows: Mapping[str, Mapping[str, float]], *, prefixes: Sequence[str] = ("",)
    ) -> None:
        """One line per row; a metric that a row does not have stays empty. The columns of each prefix make a table of
        their own, and what has none of the prefixes makes the last."""
        kept = {row: _rounded(metrics) for row, metrics in rows.items()}
        self._keep(section, kept)
        left = list(dict.fromkeys(name for metrics in kept.values() for name in metrics))
        for prefix in (*prefixes, ""):
            columns = [name for name in left if name.startswith(prefix)]
            left = [name for name in left if name not in columns]
            if columns:
                print()
                _print_table(columns, kept)

    def add_markdown(self, section: str, rows: Mapping[str, Mapping[str, float | str]]) -> None:
        """Rows of numbers and words, all with the same columns, as a page can show them."""
        self._keep(section, {row: _rounded_numbers(cells) for row, cells in rows.items()})
        columns = list(next(iter(rows.values())))
        print()
        print(_markdown_line("", *map(readable, columns)))
        print(_markdown_line(*["---"] * (len(columns) + 1)))
        for row, cells in rows.items():
            print(_markdown_line(row, *(_markdown_cell(cells[column]) for column in columns)))

    def finish(self) -> None:
        """The last line."""
        found = {"bench": self._bench, "options": self._options, **self._sections}
        print()
        print(json.dumps(found, default=str), flush=True)

    def _keep(self, section: str, found: object) -> None:
        if section in self._sections:
            raise ValueError(f"{section} was told already")
        self._sections[section] = found


def readable(name: str) -> str:
    return name.replace("_", " ")


def _print_table(columns: Sequence[str], rows: Mapping[str, Mapping[str, float]]) -> None:
    width = max(map(len, rows)) + 2
    print("  ".join([" " * width, *(f"{readable(column):>{_width(column)}}" for column in columns)]))
    for name, metrics in rows.items():
        cells = (
            f"{metrics[column]:>{_width(column)},.2f}" if column in metrics else " " * _width(column)
            for column in columns
        )
        print("  ".join([f"{name:<{width}}", *cells]))


def _markdown_line(*cells: str) -> str:
    return f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in cells)}|"


def _markdown_cell(value: float | str) -> str:
    """A number with three digits that count."""
    if isinstance(value, str):
        return value
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.0005 else "0"


def _width(column: str) -> int:
    return max(len(column), 8)


def _rounded(metrics: Mapping[str, float]) -> Metrics:
    """Nobody measures more than six decimals. Before the table and the JSON are made of them: rounded twice, 0.0349999
    would be 0.03 in one and 0.04 in the other."""
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in metrics.items()}


def _rounded_numbers(cells: Mapping[str, float | str]) -> dict[str, float | str]:
    return {name: round(cell, 6) if isinstance(cell, float) else cell for name, cell in cells.items()}
