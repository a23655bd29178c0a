"""Words that have the form of a name and are none, and the labels that name a role or a topic."""

from pathlib import Path

_WORDS = Path(__file__).parent / "words"


def _read(name: str) -> frozenset[str]:
    return frozenset((_WORDS / name).read_text(encoding="utf-8").split())


LABELS = _read("labels.txt")
NO_NAMES = _read("no_names.txt")
