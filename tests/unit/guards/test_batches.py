"""Rows that are locked up to a limit are chosen once: a CTE, never a subquery that a plan may run for each row."""

import ast

from tests.unit.guards.source import ROOT


def test_no_locked_batch_is_a_mere_subquery():
    """`x.in_(select(...).limit(n).with_for_update(skip_locked=True))`: run a second time, it skips what it has locked
    itself and takes further rows, so more than the limit."""
    found = []
    for path in sorted((ROOT / "services").rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            locked = {name for node in ast.walk(function) for name in _locked_batches(node)}
            found += [f"{path.name}:{function.name}" for node in ast.walk(function) if _chooses_from(node, locked)]
    assert found == []


def _locked_batches(node: ast.AST) -> list[str]:
    """Names of queries with a limit and locks that are no CTE."""
    if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
        return []
    said = ast.unparse(node.value)
    is_batch = ".limit(" in said and "skip_locked" in said and ".cte(" not in said
    return [node.targets[0].id] if is_batch else []


def _chooses_from(node: ast.AST, names: set[str]) -> bool:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != "in_":
        return False
    return any(
        (isinstance(one, ast.Name) and one.id in names) or "skip_locked" in ast.unparse(one) for one in node.args
    )
