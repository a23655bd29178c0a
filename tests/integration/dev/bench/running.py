"""Runs a bench as a person would, at a size that says nothing about speed."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from dev.bench.results import readable
from dev.local.programs import ROOT

# Some start three stacks, on a machine that runs other tests as well; whoever calls it has a longer time limit still.
SECONDS = 240


def run_bench(module: str, options: str, *, expected_exit: int = 0, within_seconds: float = SECONDS) -> dict[str, Any]:
    """Its last line; every figure of it stands in the tables above."""
    command = (sys.executable, "-m", module, *options.split())
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=within_seconds, check=False)
    assert done.returncode == expected_exit, done.stdout + done.stderr
    *table, last = done.stdout.splitlines()
    found: dict[str, Any] = json.loads(last)
    assert module == f"dev.bench.{found['bench']}"
    text = "\n".join(table)
    for name, value in figures_of({key: part for key, part in found.items() if key != "options"}):
        assert readable(name) in text
        assert f"{value:,.2f}" in text
    return found


def figures_of(part: object, name: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(part, dict):
        for inner_name, inner in part.items():
            yield from figures_of(inner, inner_name)
    elif isinstance(part, int | float):
        yield name, part
