"""Text as the patterns look at it: whatever is drawn alike is written alike, and each character stands where it stood.

What is found in folded text stands at the same place in the text itself.
"""

_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
# Of any width, no-break ones too, and letters that are drawn as one. Not the tab, which parts the cells of a row.
_BLANKS = dict.fromkeys(
    (0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000, 0x2800, 0x3164, 0xFFA0), ord(" ")
)
_LINE_ENDS = dict.fromkeys(map(ord, "\r\v\f\x85\u2028\u2029"), ord("\n"))
_FOLDED = _FULL_WIDTH | _BLANKS | _LINE_ENDS
# Between the digits of a number all of these are the same.
_IN_NUMBERS = (
    dict.fromkeys(map(ord, "‐‑‒–—―−﹣ㅡ~∼·ㆍ・･•‧∙⋅⁃"), ord("-"))
    | dict.fromkeys(map(ord, "。｡․"), ord("."))
    | {ord("\t"): ord(" ")}
)
SPOKEN_DIGITS = "공영일이삼사오육륙칠팔구"
_SPOKEN = {ord(word): ord(digit) for word, digit in zip(SPOKEN_DIGITS, "001234566789", strict=True)}


def fold(text: str) -> str:
    """Full-width signs as plain ones, all blanks and line ends as one of each."""
    return text.translate(_FOLDED)


def fold_signs(folded: str) -> str:
    """For numbers: also all dashes and dots as one of each, and the tab as a blank."""
    return folded.translate(_IN_NUMBERS)


def fold_spoken(folded: str) -> str:
    """Also 공일이삼 as digits."""
    return folded.translate(_SPOKEN)
