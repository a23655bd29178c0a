"""An interview's script as utterances, and any text as the bare letters by which it is compared and found."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from core.letters import compose

# Numbers of lines, as a model may write them, also as text.
_LONGEST_NUMBER = 7


@dataclass(frozen=True, slots=True)
class ScriptUtterance:
    """`position` counts the script's entries from 1; `ids` are the numbers that the script itself gives the entry."""

    position: int
    ids: tuple[int, ...]
    speaker: str
    category: str
    text: str


def read_utterances(cleaned_script: Sequence[Any] | None) -> list[ScriptUtterance]:
    """Entries that say nothing are passed over; one without numbers has that of its position."""
    return [
        ScriptUtterance(
            position,
            _numbers(entry.get("id")) or (position,),
            _word(entry, "speaker"),
            _word(entry, "category"),
            said,
        )
        for position, entry in enumerate(cleaned_script or (), start=1)
        if isinstance(entry, dict) and (said := _word(entry, "cleaned_sentence"))
    ]


def find_range(utterances: Sequence[ScriptUtterance], first: int, last: int) -> Sequence[ScriptUtterance]:
    """From the one with this number to the one with that, by any of their numbers; empty where there is no such range.
    Of several with one number the first."""
    begin, end = (
        next((place for place, one in enumerate(utterances) if number in one.ids), None) for number in (first, last)
    )
    return [] if begin is None or end is None else utterances[begin : end + 1]


def _numbers(value: Any) -> tuple[int, ...]:
    """Of one number or a list of them; what is no number is passed over."""
    listed = value if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(number for item in listed if (number := _number(item)) is not None))


def _number(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _LONGEST_NUMBER:
        return int(value)
    is_number = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**_LONGEST_NUMBER
    return value if is_number else None


def _word(entry: dict[str, Any], name: str) -> str:
    value = entry.get(name)
    return compose(value).strip() if isinstance(value, str) else ""


def name_speakers_of(script: list[Any] | None, names: Mapping[str, str]) -> list[Any] | None:
    """The script, with names in the place of its labels."""
    if not names or script is None:
        return script
    return [entry | {"speaker": names.get(label := entry.get("speaker"), label)} for entry in script]


@dataclass(frozen=True, slots=True)
class Letters:
    """The letters and digits of a text, folded, each with its place in the text."""

    text: str
    places: tuple[int, ...]


def read_letters(text: str) -> Letters:
    """Without spaces and punctuation; full-width and upper-case letters as plain ones. The text is taken as NFC."""
    pairs = [(letter, place) for place, character in enumerate(text) for letter in _fold(character)]
    return Letters("".join(letter for letter, _ in pairs), tuple(place for _, place in pairs))


def bare_letters(text: str) -> str:
    """The same without places: in a tenth of the time, of hundreds of thousands of lines."""
    return "".join(map(_fold, text))


# More than the letters of any language; what a hostile text brings up besides goes again.
@lru_cache(maxsize=16_384)
def _fold(character: str) -> str:
    folded = unicodedata.normalize("NFKC", character).casefold()
    return "".join(letter for letter in folded if letter.isalnum())
