"""Letters as they are stored, compared and counted: composed (Unicode NFC)."""

import re
import unicodedata
from functools import cache
from itertools import pairwise

# As many as stream-safe text has at most (UAX #15); no writing needs them.
_MOST_MARKS = 30
# Of a whole letter, when it is decomposed.
_MOST_PARTS = 4
# Beyond it are ideographs, and no marks.
_MARKS_END = 0x20000

# Nearly all of most texts: whole letters that join with nothing else of these. A hundredth of the time for a line.
_COMPOSED = re.compile("[\x00-\u02ff\u2010-\u2027\u3000-\u3029\u4e00-\u9fff가-힣\uff01-\uff60]*")


def compose(text: str) -> str:
    """In whole letters (NFC): macOS writes Hangul in single ones, and the two are not equal.

    Marks beyond thirty on one letter are composed by themselves: the order of thousands takes the library minutes.
    """
    if _COMPOSED.fullmatch(text):
        return text
    ends = [0, *(found.end() for found in _many_marks().finditer(text)), len(text)]
    return "".join(unicodedata.normalize("NFC", text[start:end]) for start, end in pairwise(ends))


def is_longer(text: str, longest: int) -> bool:
    """Counted in whole letters. What could not be composed to so few is not looked at."""
    if len(text) <= longest:
        return False
    return len(text) > longest * _MOST_PARTS or len(compose(text)) > longest


@cache
def _many_marks() -> re.Pattern[str]:
    marks = "".join(char for char in map(chr, range(_MARKS_END)) if unicodedata.combining(char))
    # The first by itself: so the search passes quickly over everything else.
    return re.compile(f"[{marks}][{marks}]{{{_MOST_MARKS - 1}}}")
