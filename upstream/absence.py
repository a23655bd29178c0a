"""Tells the words that say that something was not examined from words that are a finding."""

import re
import unicodedata

_LONGEST = 60
_SIGNS = re.compile(r"[\W_]+")
_PLACEHOLDERS = frozenset({"", "-", "--", "---", "–", "—", ".", "n/a", "n.a."})
# The trend page has the same words (`NOT_EXAMINED` in webapp/static/page/collection/ranges.js).
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
        "미검",
        "비대상",
        "대상아님",
        "검사대상아님",
        "검사안함",
        "검사하지않음",
        "검사없음",
        "검사제외",
        "실시안함",
        "시행안함",
        "측정안함",
        "수검안함",
        "실시하지않음",
        "시행하지않음",
        "측정하지않음",
        "거부",
        "본인거부",
        "수검거부",
        "검사거부",
        "측정거부",
        "검사불가",
        "측정불가",
        "검사불능",
        "측정불능",
        "검사면제",
        "결과없음",
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
