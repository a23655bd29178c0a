"""One class name means one thing in the whole tree."""

import ast
from collections import defaultdict

from .source import ROOT

FOLDERS = ("core", "models", "streams", "spool", "upstream", "services", "tasks", "webapp", "dev")


def class_names() -> dict[str, list[str]]:
    """Where each class of ours is defined."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in (path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
            found[node.name].append(str(path.relative_to(ROOT)))
    return found


def test_one_class_name_has_one_meaning():
    assert {name: places for name, places in class_names().items() if len(places) > 1} == {}
