"""Placeholders as text: which ones a text holds, and the text with them qualified, read back, or without numbers.

A placeholder's number means something within one interview alone. Where texts of several interviews meet, each is
qualified by the number of its interview there (`[인터뷰2 이름1]`), or loses its number (`[이름]`).
"""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple


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


class Mention(NamedTuple):
    """A placeholder as its interview writes it, and that interview's number; None where it tells none."""

    interview: int | None
    placeholder: str


def mentions_in(text: str) -> frozenset[Mention]:
    return frozenset(Mention(_interview_of(found), _spell(found)) for found in _PLACEHOLDER.finditer(text))


def placeholders_in(*texts: str | None) -> frozenset[str]:
    """The unqualified ones, in the spelling of ours."""
    mentions = (mention for text in texts if text for mention in mentions_in(text))
    return frozenset(mention.placeholder for mention in mentions if mention.interview is None)


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
        number = _interview_of(found)
        return _bare(found) if number is None or not is_known(number) else _spell_of(found, number)

    return _PLACEHOLDER.sub(keep, text)


def _interview_of(found: re.Match[str]) -> int | None:
    return int(found["of"]) if found["of"] else None


def _spell(found: re.Match[str]) -> str:
    return f"[{found['kind']}{int(found['number'])}]"


def _spell_of(found: re.Match[str], interview: int) -> str:
    return f"[인터뷰{interview} {found['kind']}{int(found['number'])}]"


def _bare(found: re.Match[str]) -> str:
    return f"[{found['kind']}]"
