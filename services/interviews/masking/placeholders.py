"""Placeholders as text: which ones a text holds, and the text with them qualified, read back, or without numbers.

A placeholder's number means something within one interview alone. Where texts of several interviews meet, each is
qualified by the number of its interview there (`[인터뷰2 이름1]`), or loses its number (`[이름]`).
"""

import re
from collections.abc import Callable
from enum import StrEnum


class MaskedKind(StrEnum):
    """The word that stands in the placeholder."""

    WORD = "가림"
    EMAIL = "이메일"
    RESIDENT = "주민번호"
    CARD = "카드"
    PHONE = "전화"
    ACCOUNT = "계좌"
    PASSPORT = "여권"
    PLATE = "차량"
    NAME = "이름"


_KIND = "|".join(MaskedKind)
# As a model or a person may write it again, with blanks. Longer numbers are none of ours.
_PLACEHOLDER = re.compile(
    rf"\[[ ]*(?:인터뷰[ ]*(?P<of>\d{{1,6}})(?:번|의)?[ ]*)?(?P<kind>{_KIND})[ ]*(?P<number>\d{{1,9}})[ ]*\]"
)


def placeholders_in(*texts: str | None) -> frozenset[str]:
    """The unqualified ones, in the spelling of ours."""
    found = (match for text in texts if text for match in _PLACEHOLDER.finditer(text) if match["of"] is None)
    return frozenset(_spell(match) for match in found)


def without_numbers(text: str) -> str:
    """For what is read beside texts of other interviews, and says nothing of which one it is from."""
    return _PLACEHOLDER.sub(_bare, text)


def qualify(text: str, number: int) -> str:
    """Of the interview with this number. One that is qualified already was written so by people: nobody is meant."""
    return _PLACEHOLDER.sub(lambda found: _bare(found) if found["of"] else _spell_of(found, number), text)


def unqualify(text: str) -> str:
    """As the interview itself writes them."""
    return _PLACEHOLDER.sub(_spell, text)


def keep_qualified(text: str, is_known: Callable[[int], bool]) -> str:
    """The text with the placeholders of known interviews, in the spelling of ours; any other may be anybody's, and
    loses its number."""

    def keep(found: re.Match[str]) -> str:
        is_told = found["of"] is not None and is_known(int(found["of"]))
        return _spell_of(found, int(found["of"])) if is_told else _bare(found)

    return _PLACEHOLDER.sub(keep, text)


def interviews_in(text: str) -> set[int | None]:
    """The interviews whose placeholders stand in it; None of one that tells none."""
    return {int(found["of"]) if found["of"] else None for found in _PLACEHOLDER.finditer(text)}


def _spell(found: re.Match[str]) -> str:
    return f"[{found['kind']}{int(found['number'])}]"


def _spell_of(found: re.Match[str], interview: int) -> str:
    return f"[인터뷰{interview} {found['kind']}{int(found['number'])}]"


def _bare(found: re.Match[str]) -> str:
    return f"[{found['kind']}]"
