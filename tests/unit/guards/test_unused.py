"""What we define is used by the product, or by what we work with; tests alone keep nothing alive.

By names: what bears the name of something else that is used is not found.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from .source import ROOT, Module, modules

# Used by nobody of ours, each for its reason.
KEPT = {
    "SharedClockStorage": "registers itself with limits by its scheme",
    "sync_from_queue_update": "the journey's contract names it for imports",
    "sync_from_patient_state": "the same",
}
# Its names are gunicorn's.
_CALLED_BY_OTHERS = {"webapp.gunicorn_conf"}
_PROPERTIES = {"property", "cached_property"}


def names_of_users() -> set[str]:
    """Every name that is read, imported (but to be passed on) or written in a short text, as Celery's are."""
    others = sorted((ROOT / "dev").rglob("*.py"))
    trees = [(module.path, module.tree) for module in modules() if not module.name.startswith("dev.")]
    trees += [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in others]
    return {name for path, tree in trees for name in names_used(path, tree)}


def names_used(path: Path, tree: ast.Module) -> Iterator[str]:
    passes_on = path.name == "__init__.py"
    if "schemas" in path.parts:  # a field is read from what bears its name
        yield from (ast.unparse(node.targets[0]) for node in ast.walk(tree) if isinstance(node, ast.Assign))
    exported = {id(text) for node in tree.body if is_export(node) for text in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.ImportFrom) and not passes_on:
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in exported:
            yield from re.findall(r"\w+", node.value) if len(node.value) < 80 else ()


def is_export(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"


def names_defined(module: Module) -> Iterator[str]:
    """Its functions and classes that no decorator hands to somebody, and the properties of these classes."""
    for node in module.tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.decorator_list:
            yield node.name
        elif isinstance(node, ast.ClassDef):
            if "Table" not in {ast.unparse(base) for base in node.bases}:  # SQLAlchemy's, whoever writes plain SQL
                yield node.name
            for one in node.body:
                decorators = {ast.unparse(decorator) for decorator in getattr(one, "decorator_list", ())}
                if isinstance(one, ast.FunctionDef) and decorators & _PROPERTIES:
                    yield one.name


def test_everything_is_used():
    used = names_of_users()
    defined = {(module.name, name) for module in modules() for name in names_defined(module)}
    unused = {(module, name) for module, name in defined if name not in used and module not in _CALLED_BY_OTHERS}
    assert {place for place in unused if place[1] not in KEPT} == set()
    assert {name for _, name in unused} == set(KEPT)  # and none of these is used after all
