"""Prints what the product needs to run out of the lock file, with its hashes: nothing of the extras, nor of theirs.

`python dev/runtime_requirements.py`, for the image. Needs the standard library alone.
"""

import re
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_ENTRY = re.compile(r"^(?=[A-Za-z0-9])", re.MULTILINE)
# uv's note of whom a package is there for: one on the line of `via`, several on lines of their own.
_PARENT = re.compile(r"^ +# (?:via|  ) *([A-Za-z0-9][A-Za-z0-9._-]*)", re.MULTILINE)


def direct_names(pyproject: str) -> frozenset[str]:
    """What the project itself asks for, without its extras."""
    return frozenset(map(_name_of, tomllib.loads(pyproject)["project"]["dependencies"]))


def runtime_entries(lock: str, direct: frozenset[str]) -> Sequence[tuple[str, str]]:
    """The lock's entries with their names: of what is asked for, and of what that asks for in turn. A package that has
    another version for another Python has an entry for each."""
    entries = [(_name_of(entry), entry) for entry in _ENTRY.split(lock)[1:]]
    kept = direct
    while more := {name for name, entry in entries if name not in kept and _parents_of(entry) & kept}:
        kept |= more
    return [(name, entry) for name, entry in entries if name in kept]


def _parents_of(entry: str) -> set[str]:
    return {_normal(parent) for parent in _PARENT.findall(entry)}


def _name_of(requirement: str) -> str:
    match = _NAME.match(requirement)
    if match is None:
        raise ValueError(f"no requirement: {requirement[:40]!r}")
    return _normal(match[0])


def _normal(name: str) -> str:
    """As PyPI compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> None:
    direct = direct_names((_ROOT / "pyproject.toml").read_text("utf-8"))
    entries = runtime_entries((_ROOT / "dev" / "requirements" / "lock.txt").read_text("utf-8"), direct)
    sys.stdout.write("".join(entry for _, entry in entries))


if __name__ == "__main__":
    main()
