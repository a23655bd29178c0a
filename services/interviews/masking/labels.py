"""Finds the names of those who speak: before a colon, as recorders and captions write them, and in the block that tells
who took part."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from services.interviews.masking.family_names import COMPOUND_FAMILIES, FAMILIES, SURE_ALONE
from services.interviews.masking.no_names import LABELS, NAME_HEADS, NO_NAMES, ROLES
from services.interviews.masking.placeholders import MaskedKind
from services.interviews.masking.spans import Span

_FULL = re.compile(rf"(?:{'|'.join(COMPOUND_FAMILIES)}|[{FAMILIES}])[가-힣]{{1,3}}")
_LEAST_FULL = 3
TITLES = (
    r"(?:선생님|대리|과장|부장|차장|사원|주임|팀장|대표|이사|교수|박사|원장|실장|간호사|매니저|연구원|기자|작가|코치"
    r"|님|씨|군|양)"
)
_TIME = r"[\[(]?\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d{1,3})?[\])]?"
_ROLE = rf"(?:{'|'.join(sorted(ROLES, key=len, reverse=True))})"
_WHOLE_NAME = r"[가-힣]{2,5}|[A-Z][A-Za-z]{1,15}(?: [A-Z][A-Za-z]{1,15})?"
# The family name may stand by itself, and in forms each syllable: 김 하늘, 김 하 늘.
_NAME = rf"(?P<name>{_WHOLE_NAME}|(?:[가-힣]|{'|'.join(COMPOUND_FAMILIES)}) [가-힣] ?[가-힣])"
_HEADS = sorted({*NAME_HEADS, *ROLES, "작성자", "기록자", "인터뷰 대상", "인터뷰 대상자"}, key=len, reverse=True)
_MARKS = r"[ \t>*#\-–—•◦‣▪·●○■□◆◇▶▷►※☞✓✔]*"
# What a line begins with before the name: its number, a time, a code (P1, Q), a role. Each bounded, as they may follow
# each other.
_NUMBER = r"[(\[]?\d{1,4}(?:[.)\]]|번)?|[①-⑳]"
_CODE = r"(?:[A-Za-z]{1,3}[\-_]?\d{1,3}|[A-Z](?![A-Za-z]))[.)]?"
_ONE_BEFORE = rf"(?:{_TIME}|{_NUMBER}|{_CODE}|{_ROLE} ?(?:\d{{1,3}}|[A-Z](?![A-Za-z]))?)"
_BEFORE = rf"(?:{_ONE_BEFORE}[ \t]{{0,4}}[_/,\-]?[ \t]{{0,4}}){{0,3}}?"
_OPEN, _CLOSE = r"[\[(<{「『【〔《\"'“‘]", r"[\])>}」』】〕》\"'”’]"
_CALLED = rf"(?:[ ]{{0,2}}(?:님|씨))?(?:[ _/\-]{{0,3}}{_ROLE})?"
_LABEL = re.compile(
    rf"^{_MARKS}{_BEFORE}(?P<open>{_OPEN}[ ]?)?(?!{_ROLE} ?\(){_NAME}{_CALLED}\d{{0,2}}"
    rf"(?(open)[ ]?(?:[,/][^\])\n]{{0,20}})?{_CLOSE})"
    r"(?:[ ]?[(\[][^)\]\n]{1,20}[)\]])?[*_]{0,2}[ \t]*[:：]",
    re.MULTILINE,
)
# How recorders and captions write who speaks: 김하늘 00:12 over a line, <v 김하늘> before it.
_TIMED_LABEL = re.compile(
    rf"^[ \t]*(?:{_BEFORE}{_NAME}{_CALLED}[ \t]+{_TIME}[ \t]*$"
    r"|<v(?:\.[\w.]+)?[ \t]+(?P<voice>[^>\n]{2,20})>)",
    re.MULTILINE,
)
# What may be a label or not: it has to come again.
_LOOSE_LABEL = re.compile(
    rf"^[ \t*#]*(?:{_TIME}[ \t]*)?(?P<open>[\[(<「])?(?P<name>{_WHOLE_NAME})(?:[ ]?(?:님|씨))?"
    r"(?:(?(open)[\])>」](?=[ \t:：]|$)|(?:[ \t]+[-–—][ \t]+|[ \t]*>[ \t]+|[ \t]*$)))",
    re.MULTILINE,
)
# What stands in a placeholder.
_KINDS = frozenset(MaskedKind)
_NO_NAME_ENDS = "요다까죠네"
_RESPONDS_AT_LEAST = 2
# 성명: 김하늘, 박서준 (34세). Behind these of the heads stands nothing but a name.
_WHOSE_NAME = rf"(?:{_ROLE} ?)?(?:이 ?름|성 ?명|성함|본명)|{_ROLE}명|name|full name"
_HEAD = re.compile(
    rf"^{_MARKS}(?:\d{{1,2}}[.)][ ]?)?(?:(?P<whose>{_WHOSE_NAME})|{'|'.join(map(re.escape, _HEADS))})"
    r"(?:[ ]?\d{1,2})?(?:[ ]?\([^)\n]{1,20}\))?[*_]{0,2}[ \t]{0,8}[:=\-–—][*_]{0,2}[ \t]{0,8}(?P<rest>[^\n]{2,200})",
    re.MULTILINE | re.IGNORECASE,
)
_TOLD = re.compile(
    rf"[ ]{{0,3}}{_NAME}{_CALLED}(?:[ ]?\([^)\n]{{0,40}}\))?"
    r"(?=[ ]{0,3}(?:$|[,./|·;\t])|[ ]{2}|[ ]\d{1,2}[.)]|[ ][가-힣A-Za-z]{1,8}[ ]?:)"
)
_NEXT = re.compile(r"[ ]{0,3}[,/·;]")


class Label(NamedTuple):
    """`name` is without the blank that may part it."""

    name: str
    start: int
    end: int

    @property
    def is_apart(self) -> bool:
        return self.end - self.start > len(self.name)

    @property
    def span(self) -> Span:
        return Span(self.start, self.end, MaskedKind.NAME, self.name)


def find_labels(text: str) -> Iterator[Span]:
    """A label of three syllables with a family name may stand once; any other has to come again."""
    sure = [*_LABEL.finditer(text), *_TIMED_LABEL.finditer(text)]
    loose = list(_LOOSE_LABEL.finditer(text))
    counted = Counter(_labelled(match).name for match in {match.start(): match for match in (*loose, *sure)}.values())
    for label in map(_labelled, sure):
        if _is_label_of_person(label, counted[label.name]):
            yield label.span
    for label in map(_labelled, loose):
        may_be_name = len(label.name) >= 3 and label.name[-1] not in _NO_NAME_ENDS
        is_again = counted[label.name] >= _RESPONDS_AT_LEAST
        if may_be_name and is_again and _is_label_of_person(label, counted[label.name]):
            yield label.span
    yield from _find_in_head(text)


def _labelled(match: re.Match[str]) -> Label:
    """Who is named, and where."""
    group = "name" if match["name"] else "voice"
    written = _without_title(match[group])
    start = match.start(group)
    return Label(written if written.isascii() else written.replace(" ", ""), start, start + len(written))


def _is_label_of_person(label: Label, times: int) -> bool:
    name = label.name
    if name.isascii():
        return is_no_word(name) and times >= _RESPONDS_AT_LEAST
    if label.is_apart:
        return may_stand_apart(name, is_sure=times >= _RESPONDS_AT_LEAST)
    return _is_full(name) and (len(name) == _LEAST_FULL or times >= _RESPONDS_AT_LEAST)


def _is_full(name: str) -> bool:
    return _FULL.fullmatch(name) is not None and is_no_word(name)


def may_stand_apart(name: str, *, is_sure: bool) -> bool:
    """Whether it may be a name of which a blank parts the family: most families are words, too (이 제품, 전 직원).
    `is_sure`: what stands around it speaks for one."""
    family = next((one for one in COMPOUND_FAMILIES if name.startswith(one) and len(name) > _LEAST_FULL), name[0])
    is_family = family in COMPOUND_FAMILIES or family in (FAMILIES if is_sure else SURE_ALONE)
    return is_family and is_no_word(name) and is_no_word(name[len(family) :])


def is_no_word(name: str) -> bool:
    """Whether it may be a name, as it is none of the words that look like one."""
    return not (name in NO_NAMES or name in _KINDS or name.lower() in LABELS or name.lower() in NAME_HEADS)


def _without_title(name: str) -> str:
    bare = re.sub(rf"(?:{TITLES}|{_ROLE})$", "", name)
    return bare if len(bare) >= 2 else name


def _find_in_head(text: str) -> Iterator[Span]:
    """Whom `이름: ...` names. `참여자: ...` may as well be what one says, so there nothing but names may follow."""
    for match in _HEAD.finditer(text):
        is_name = match["whose"] is not None
        labels, is_whole = _read_names(match["rest"], is_name=is_name)
        if is_name or is_whole:
            at = match.start("rest")
            yield from (Span(at + one.start, at + one.end, MaskedKind.NAME, one.name) for one in labels)


def _read_names(rest: str, *, is_name: bool) -> tuple[list[Label], bool]:
    """Those that begin it, and whether they are all of it."""
    labels: list[Label] = []
    place = 0
    while told := _TOLD.match(rest, place):
        label = _labelled(told)
        if not _is_told_name(label, is_name=is_name):
            break
        labels.append(label)
        place = told.end()
        if after := _NEXT.match(rest, place):
            place = after.end()
    return labels, not rest[place:].strip(" .")


def _is_told_name(label: Label, *, is_name: bool) -> bool:
    name = label.name
    if name.isascii():
        return is_name and is_no_word(name)
    if label.is_apart:
        return may_stand_apart(name, is_sure=is_name)
    return _is_full(name) and (is_name or (len(name) == _LEAST_FULL and name[-1] not in _NO_NAME_ENDS))
