"""Whether a text shows anything: letters that are drawn as nothing, and marks without a letter, are none."""

import unicodedata

# Letters and symbols by their category: Hangul's fillers, and Braille's empty cell.
_DRAWN_AS_NOTHING = frozenset("\u115f\u1160\u2800\u3164\uffa0")
# Other (controls, formats), separators, marks.
_UNSEEN = frozenset("CZM")


def is_blank(text: str) -> bool:
    """Ends at the first character that is seen."""
    return not any(_is_seen(character) for character in text)


def _is_seen(character: str) -> bool:
    return unicodedata.category(character)[0] not in _UNSEEN and character not in _DRAWN_AS_NOTHING
