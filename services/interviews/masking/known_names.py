"""Whether a short label tells somebody whom a text has named, in whatever part of it: 고객 김하늘, 하늘님, 김하늘1."""

import re
from collections.abc import Collection, Iterator

from services.interviews.masking.folding import fold
from services.interviews.masking.labels import TITLES
from services.interviews.masking.names import given_of
from services.interviews.masking.no_names import ROLES

_PART = re.compile(r"[가-힣]+|[A-Za-z]+")
_ROLE = "|".join(sorted(ROLES, key=len, reverse=True))
_ADDED = re.compile(rf"^(?:{_ROLE})|(?:{_ROLE}|{TITLES}|이)$")
# Shorter ones stand within too many words.
_LEAST_WITHIN, _LEAST_LATIN = 3, 2


def parts_of(label: str) -> list[str]:
    """Its words, also those that signs and digits part."""
    return _PART.findall(fold(label))


def contains_known_name(label: str, names: Collection[str]) -> bool:
    """By the full name, the given one, or a part of a name in Latin letters."""
    parts = {bare for part in parts_of(label) for bare in _bare_forms(part)}
    joined = "".join(parts_of(label)).casefold()
    return any(_contains(name, parts, joined) for name in names)


def _contains(name: str, parts: Collection[str], joined: str) -> bool:
    if name.isascii():
        return any(len(part) >= _LEAST_LATIN and part in parts for part in name.casefold().split())
    return name in parts or given_of(name) in parts or (len(name) >= _LEAST_WITHIN and name in joined)


def _bare_forms(part: str) -> Iterator[str]:
    """As it stands, and without what is added to a name."""
    folded = part.casefold()
    yield folded
    yield _ADDED.sub("", folded, count=1)
    yield _ADDED.sub("", folded)
