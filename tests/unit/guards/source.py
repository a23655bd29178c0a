"""Our own source, read as text and as trees."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
ROOMS = ("core", "models", "streams", "spool", "upstream", "services", "tasks", "webapp", "dev.sandbox", "dev.local")
# What each room may import of ours, beside itself.
MAY_SEE = {
    "core": set(),
    "dev.sandbox": set(),
    "dev.local": {"core"},
    "models": {"core"},
    "streams": {"core"},
    "spool": {"core"},
    "upstream": {"core"},
    "services": {"core", "models", "streams", "spool", "upstream"},
    "tasks": {"core", "models", "streams", "spool", "upstream", "services"},
    "webapp": {"core", "models", "streams", "spool", "services"},
}


def room_of(name: str) -> str:
    """The folder at the top; under `dev/`, which is no room of its own, the one below it."""
    parts = name.split(".")
    return ".".join(parts[:2]) if parts[0] == "dev" else parts[0]


# What every domain may use; a domain of its own is any other package of these names, in whatever room.
SHARED_DOMAINS = frozenset({"accounts", "patients", "delivery", "processes"})
DOMAINS = SHARED_DOMAINS | {"collection", "interviews", "journey", "shl", "threads", "webhooks"}


def domain_of(name: str) -> str | None:
    """Of a module or package; None for what belongs to a whole room, such as what wires it."""
    return next((part for part in name.split(".")[1:] if part in DOMAINS), None)


@dataclass(frozen=True)
class Module:
    """`name` is dotted; `tree` its syntax."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        return room_of(self.name)


@cache
def modules() -> tuple[Module, ...]:
    return tuple(_read(path) for room in ROOMS for path in sorted((ROOT / room.replace(".", "/")).rglob("*.py")))


def _read(path: Path) -> Module:
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    text = path.read_text(encoding="utf-8")
    return Module(name, path, text, ast.parse(text))


def imports(module: Module) -> Iterator[str]:
    """Dotted names of what it imports, also inside functions, but not what only a type checker reads."""
    skipped = {id(inner) for node in ast.walk(module.tree) if _is_for_types(node) for inner in ast.walk(node)}
    for node in ast.walk(module.tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.name}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def our_imports(module: Module) -> set[str]:
    """The modules of ours that it imports."""
    known = {other.name for other in modules()}
    return {name for name in imports(module) if name in known} - {module.name}


def calls(module: Module, *methods: str) -> Iterator[int]:
    """Lines on which a method of one of these names is called."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in methods:
            yield node.lineno


_FOLDERS = (*dict.fromkeys(room.partition(".")[0] for room in ROOMS), "alembic", "docs", "tests")
_CITED = re.compile(rf"`((?:{'|'.join(_FOLDERS)})/[\w./-]*)(?:::([\w.]+))?`")


def cited(page: str) -> list[tuple[str, str]]:
    """Paths of ours that a page of Markdown names, each with the function or class that stands behind `::`, or "". One
    that holds a placeholder, as `{kind}`, is none."""
    return _CITED.findall(page)


@cache
def names_in(path: str) -> frozenset[str]:
    """The functions and classes of a file of Python."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    defined = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, defined))
