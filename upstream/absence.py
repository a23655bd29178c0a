"""Tells the words that say that something was not examined from words that are a finding."""

import re
import unicodedata

_LONGEST = 60
_SIGNS = re.compile(r"[\W_]+")
_PLACEHOLDERS = frozenset({"", "-", "--", "---", "–", "—", ".", "n/a", "n.a."})
_WORDS = frozenset(
    {
        "비해당",
        "미해당",
        "해당없음",
        "해당사항없음",
        "해당안됨",
        "미실시",
        "미시행",
        "미검사",
        "미측정",
        "미수검",
        "검사안함",
        "검사하지않음",
        "검사없음",
        "검사제외",
        "실시안함",
        "시행안함",
        "측정안함",
        "수검안함",
        "none",
        "null",
    }
)


def is_absent(text: str) -> bool:
    """Whether nothing was examined: `해당없음`, `검사 안함(본인 거부)`, `비해당/비해당`, nothing at all, a dash for it.

    Other signs are findings: `(-)`, `±`, `+`.
    """
    if len(text) > _LONGEST:
        return False
    folded = unicodedata.normalize("NFKC", text).casefold().strip()
    sides = folded.partition("(")[0].split("/")
    return folded in _PLACEHOLDERS or all(_SIGNS.sub("", side) in _WORDS for side in sides)
