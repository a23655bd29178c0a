"""Rules of the house that a machine can hold."""

import ast
import re
from collections.abc import Callable

import pytest

from .source import ROOMS, ROOT, Module, calls, imports, modules

# Who opens and closes transactions: the unit of work, and what has to commit on its own by its contract.
OPENS_TRANSACTIONS = {
    "services.delivery.unit_of_work",
    "services.database",  # the look at a new connection must leave no transaction open
    "services.patients.passwords",  # a counted try stays counted, whatever is answered
    "services.collection.files_import",  # one transaction per file, of a worker or of beat
    "services.collection.steps.make_report",  # the order waits visibly while the report is made
    "services.processes.leases",  # a process' own heartbeat, on a connection of its own
}
READS_ENVIRONMENT = {
    "core.settings.reading",
}
JUNK_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "base", "stuff", "tools"}


def everywhere(rule: Callable[[Module], None]) -> Callable[[], None]:
    """One test per rule, which names each module that breaks it: as many tests as modules would cost ten times more."""

    def check() -> None:
        broken = dict(filter(None, (_judge(rule, module) for module in modules())))
        assert not broken, "\n\n".join(f"{name}: {why}" for name, why in broken.items())

    check.__name__ = rule.__name__
    return check


def _judge(rule: Callable[[Module], None], module: Module) -> tuple[str, AssertionError] | None:
    try:
        rule(module)
    except AssertionError as broken:
        return module.name, broken
    return None


@everywhere
def test_nobody_commits_or_rolls_back_but_those_named(module: Module):
    if module.room in {"dev.local", "dev.sandbox", "spool"} or module.name in OPENS_TRANSACTIONS:
        return
    assert not list(calls(module, "commit", "rollback"))
    if module.room in {"services", "webapp", "tasks"}:
        assert "sessions.begin(" not in module.text


@everywhere
def test_nobody_reads_the_environment_but_the_settings(module: Module):
    if module.room in {"dev.local", "dev.sandbox"} or module.name in READS_ENVIRONMENT:
        return
    assert not re.search(r"os\.(environ|getenv)", module.text)


@everywhere
def test_a_module_says_what_it_is_for(module: Module):
    assert module.text.strip() == "" or ast.get_docstring(module.tree)


@everywhere
def test_files_and_functions_stay_short(module: Module):
    assert len(module.text.splitlines()) <= 500
    functions = [node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = [node.name for node in functions if (node.end_lineno or 0) - node.body[0].lineno >= 60]
    assert not long


@everywhere
def test_nothing_is_left_for_later(module: Module):
    assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", module.text)


@everywhere
def test_the_time_comes_from_the_clock(module: Module):
    if module.room in {"dev.local", "dev.sandbox"} or module.name == "core.clock":
        return
    assert not re.search(r"datetime\.(utc)?now\(|date\.today\(", module.text)
    assert not list(calls(module, "sleep")) or "asyncio" in set(imports(module))


@pytest.mark.parametrize("room", ROOMS)
def test_no_module_is_named_for_nothing(room: str):
    assert not {path.stem for path in (ROOT / room.replace(".", "/")).rglob("*.py")} & JUNK_NAMES


@everywhere
def test_only_the_transitions_change_who_acts_on_a_run(module: Module):
    """Owner, fence and state of a run: assigned, or given to an UPDATE, in one module of a domain and nowhere else."""
    if module.name in {"services.collection.transitions", "services.interviews.runs"}:
        return
    assigned = {
        target.attr
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Assign | ast.AugAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "run"
    }
    updated = {
        keyword.arg
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "values"
        for keyword in node.keywords
    }
    assert not (assigned | updated) & {"owner_id", "fence", "run_state"}
