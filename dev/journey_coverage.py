"""How much of the journey its own tests run, in lines and in branches: by module, and of each package together.

`make coverage` (ARGS go to pytest). Counted is what pytest's own processes run: in a web process gevent switches from
request to request, which would make branches up. Ends with a line of JSON. Exit status: 1 where a test failed, or a
package has not more than 95 % of its lines and of its branches.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dev.local.programs import ROOT

PACKAGES = ("models/journey", "services/journey")  # as pyproject.toml has them for coverage.py
TESTS = (
    "tests/unit/models/test_journey_states.py",
    "tests/unit/services/journey",
    "tests/integration/journey",
    "tests/integration/services/journey",
    "tests/integration/tasks/journey",
    "tests/integration/tasks/test_journey_jobs.py",
    "tests/integration/webapp/journey",
    # What is erased of a person, and what they take along.
    "tests/integration/webapp/test_erasure.py",
    "tests/integration/webapp/test_exports.py",
)
MORE_THAN_PERCENT = 95.0
_CONFIG = ROOT / "pyproject.toml"
_BEGIN = "COVERAGE_PROCESS_START"  # a Python that finds it as it starts counts for itself


@dataclass(frozen=True)
class Counts:
    """`missing` are the lines that no test runs."""

    lines: int
    lines_run: int
    branches: int
    branches_run: int
    missing: tuple[int, ...] = ()

    @property
    def percent_of_lines(self) -> float:
        return _percent(self.lines_run, self.lines)

    @property
    def percent_of_branches(self) -> float:
        return _percent(self.branches_run, self.branches)

    @property
    def suffices(self) -> bool:
        return min(self.percent_of_lines, self.percent_of_branches) > MORE_THAN_PERCENT


def main(arguments: Sequence[str] | None = None) -> int:
    with TemporaryDirectory(prefix="welno-coverage-") as folder:
        data = Path(folder) / "data"
        status = _run_tests(data, sys.argv[1:] if arguments is None else arguments)
        modules = read_modules(_report(data))
    packages = {package: add_up(modules, package) for package in PACKAGES}
    sys.stdout.write(as_table(modules | packages))
    told = {name: asdict(counts) | {"suffices": counts.suffices} for name, counts in packages.items()}
    sys.stdout.write(json.dumps({"tests_passed": status == 0, "more_than_percent": MORE_THAN_PERCENT, **told}) + "\n")
    return int(status != 0 or not all(counts.suffices for counts in packages.values()))


def pytest_configure(config: Any) -> None:
    """As a plugin of pytest's: what tests start does not count. xdist's workers have begun when they come here; they
    are started by a process that runs no test."""
    if hasattr(config, "workerinput") or not config.getoption("numprocesses"):
        os.environ.pop(_BEGIN, None)


def _run_tests(data: Path, arguments: Sequence[str]) -> int:
    env = os.environ | {_BEGIN: str(_CONFIG), "COVERAGE_FILE": str(data)}
    options = ["-q", "-p", "dev.journey_coverage", "-n", "auto", "--no-loadscope-reorder"]
    command = [str(ROOT / "dev" / "scripts" / "run-tests"), *options, *TESTS, *arguments]
    return subprocess.run(command, check=False, cwd=ROOT, env=env).returncode


def _report(data: Path) -> Mapping[str, Any]:
    """As `coverage json` has it. Raises CalledProcessError."""
    told = data.with_suffix(".json")
    options = [f"--rcfile={_CONFIG}", f"--data-file={data}", "--quiet"]
    for action, given in (("combine", [str(data.parent)]), ("json", ["-o", str(told)])):
        subprocess.run([sys.executable, "-m", "coverage", action, *options, *given], check=True, cwd=ROOT)
    report: Mapping[str, Any] = json.loads(told.read_text("utf-8"))
    return report


def read_modules(report: Mapping[str, Any]) -> dict[str, Counts]:
    """By path, in their order; a module that no test imports is there, too."""
    return {
        path: Counts(
            found["summary"]["num_statements"],
            found["summary"]["covered_lines"],
            found["summary"]["num_branches"],
            found["summary"]["covered_branches"],
            tuple(found["missing_lines"]),
        )
        for path, found in sorted(report["files"].items())
    }


def add_up(modules: Mapping[str, Counts], package: str) -> Counts:
    """Of a package with those within it."""
    within = [counts for path, counts in modules.items() if path.startswith(f"{package}/")]
    return Counts(
        sum(one.lines for one in within),
        sum(one.lines_run for one in within),
        sum(one.branches for one in within),
        sum(one.branches_run for one in within),
    )


def as_table(rows: Mapping[str, Counts]) -> str:
    width = max(map(len, rows))
    lines = [f"{'':<{width}}  {'lines':>6} {'%':>7}  {'branches':>8} {'%':>7}  lines not run"]
    for name, one in rows.items():
        of_lines = f"{one.lines:>6} {one.percent_of_lines:>7.2f}"
        of_branches = f"{one.branches:>8} {one.percent_of_branches:>7.2f}"
        lines.append(f"{name:<{width}}  {of_lines}  {of_branches}  {_ranges(one.missing)}".rstrip())
    return "\n".join(lines) + "\n\n"


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 100.0


def _ranges(numbers: Iterable[int]) -> str:
    """Such as `3-5, 8`."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


if __name__ == "__main__":
    sys.exit(main())
