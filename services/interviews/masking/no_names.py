"""Words that have the form of a name and are none, labels of roles and topics, and what people are the subject of."""

from pathlib import Path

_WORDS = Path(__file__).parent / "words"


def _read(name: str) -> frozenset[str]:
    return frozenset((_WORDS / name).read_text(encoding="utf-8").split())


LABELS = _read("labels.txt")
NO_NAMES = _read("no_names.txt")
SUBJECTS = _read("subjects.txt")
# What the head of a table calls a column of people.
NAME_HEADS = _read("name_heads.txt")
# Who people are in an interview: 응답자 김하늘.
ROLES = _read("roles.txt")
