"""One class name means one thing in the whole tree."""

import ast
from collections import defaultdict

from .source import ROOT

FOLDERS = ("core", "models", "streams", "spool", "upstream", "services", "tasks", "webapp", "dev")
# Names that two classes may bear, and why.
SHARED = {
    "Misconfigured": "the same branch of two providers' error trees",
    "Passing": "the same branch of two providers' error trees",
    "Refused": "the same branch of two providers' error trees",
    "TooLarge": "the same branch of two providers' error trees",
    "Hub": "the hub of another server, which the bench measures beside ours",
    "Plan": "each bench is a program with a plan of its own",
}
# To be renamed: each of these still stands for several things.
AMBIGUOUS = {
    "Admission",
    "Call",
    "Ear",
    "Floor",
    "Limits",
    "MissingInputs",
    "Overtaken",
    "Person",
    "Provider",
    "Question",
    "Reply",
    "Report",
    "Sessions",
    "Socket",
    "Town",
    "Verdict",
    "Visit",
    "Waiting",
}


def class_names() -> dict[str, list[str]]:
    """Where each class of ours is defined."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in (path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
            found[node.name].append(str(path.relative_to(ROOT)))
    return found


def test_one_class_name_has_one_meaning():
    twice = {name: places for name, places in class_names().items() if len(places) > 1}
    assert {name: places for name, places in twice.items() if name not in SHARED.keys() | AMBIGUOUS} == {}
