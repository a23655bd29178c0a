"""Finds people's names: as speaker labels, before 님, 씨, 대리 ..., after "저는 ... 입니다", and again elsewhere."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from services.interviews.masking.family_names import COMPOUND_FAMILIES, FAMILIES, SURE_FAMILIES
from services.interviews.masking.labels import TITLES, find_labels, may_stand_apart
from services.interviews.masking.no_names import NO_NAMES, SUBJECTS
from services.interviews.masking.placeholders import MaskedKind
from services.interviews.masking.spans import Span

_FAMILY = rf"(?:{'|'.join(COMPOUND_FAMILIES)}|[{FAMILIES}])"
_FULL = rf"{_FAMILY}[가-힣]{{1,2}}"
# The family name by itself: 김 하늘.
_APART = rf"(?:{'|'.join(COMPOUND_FAMILIES)}|[{FAMILIES}]) [가-힣]{{2}}"
_TITLED = re.compile(rf"(?<![가-힣])(?P<name>{_FULL})(?= {{0,2}}{TITLES}(?![가-힣]{{4}}))")
# 씨 with a blank before it speaks for a name, whatever the family: no 아저씨.
_TITLED_APART = re.compile(
    rf"(?<![가-힣])(?P<name>{_APART})"
    rf"(?:(?P<sure>(?= {{1,2}}씨(?:[이가는은를을도와의께랑요,.?!: ]|한테|$)))|(?= {{0,2}}{TITLES}(?![가-힣]{{4}})))",
    re.MULTILINE,
)
# Whom these follow is a person when three syllables say so; two are an adjective or a word more often.
_ADDRESSED = re.compile(
    rf"(?<![가-힣])(?P<name>{_FAMILY}[가-힣]{{2}})(?= {{0,2}}(?:고객|회원|환자|보호자|어머|아버|학부모)(?:님|분|니))"
)
_FAMILY_TITLED = re.compile(
    rf"(?<![가-힣])(?P<name>[{SURE_FAMILIES}])"
    r"(?= {0,2}(?:대리|과장|부장|차장|팀장|주임|선생님|교수|원장|실장)(?:님|께|이|가|은|는|을|를|한테|의|[ ,.]|$))",
    re.MULTILINE,
)
_COPULAS = "이라고|라고|이라는|라는|입니다|이에요|예요|이고요|이고|인데요|이거든요|임다"
_INTRODUCED = re.compile(
    r"(?:저는|(?<![가-힣])저|전|나는|제가|안녕하세요[,.!]?)[ ,]{1,2}(?:[가-힣A-Za-z0-9]{1,12} ){0,4}?"
    rf"(?P<name>{_FULL})(?= ?(?:{_COPULAS}))"
)
_NAMED = re.compile(
    rf"(?:이름은|성함은|이름이|성함이|본명은)[ ]{{1,2}}(?P<name>{_FULL})"
    rf"(?={_COPULAS}|에요|이요|요|[ .,!?)]|$)",
    re.MULTILINE,
)
_INTRODUCED_APART = re.compile(
    r"(?:(?P<sure>이름은|성함은|이름이|성함이|본명은|저는(?= . ..(?:이라고|라고) (?:합니다|해요|하는데|불러)))"
    rf"|저는|전|나는|제가|안녕하세요[,.!]?)[ ,]{{1,2}}(?:[가-힣A-Za-z0-9]{{1,12}} ){{0,4}}?(?P<name>{_APART})"
    rf"(?= ?(?:{_COPULAS}))"
)
# How files and titles are named: 김하늘 인터뷰, 인터뷰_김하늘. Three syllables, as two are a word more often.
_ABOUT = rf"(?:심층 ?)?(?:{'|'.join(sorted(SUBJECTS, key=len, reverse=True))})"
_SUBJECT = re.compile(
    rf"(?<![가-힣])(?:(?P<name>{_FAMILY}[가-힣]{{2}})(?=[ _\-]?{_ABOUT}(?![가-힣]))"
    rf"|{_ABOUT}[ _\-:]{{1,3}}(?P<after>{_FAMILY}[가-힣]{{2}})(?![가-힣]))"
)
_GROUP_ENDS = "객층팀앱들"
_PARTICLES = "이라고|라고|입니다|이에요|예요|이고요|이고|인데요|이요|이|은|는|가|을|를|요"
# Longer than two syllables, or with another particle behind: nothing that a word begins with.
_LONG_PARTICLES = (
    "이라고|이라는|이라서|이라면|이라도|이라던|라고|라는|한테|에게|께서|입니다|이에요|이었|이랑|이네|이지만|예요|까지|보다"
    "|처럼|부터|하고|인데|이가|이는|이도|이를|이한테|이와"
)
_GIVEN_TITLED = r"(?<![가-힣])({})(?= {{0,2}}(?:님|씨|이가|이는|이한테|이랑|아[ ,!]|야[ ,!]))"
_COURTEOUS = re.compile(r"(?:[가-힣]{2,3})?님|씨")
_MOST_NAMES = 200
_SURE_OF_TWO = "김박최강윤권황송류홍배백허"
_ADJECTIVE_ENDS = "한된던할의는"


def find_names(text: str, in_tables: Sequence[Span] = ()) -> Iterator[Span]:
    """Each where it was recognised, then everywhere else; a full name and its given name are one value. `in_tables`:
    those that a table's head calls names."""
    labelled = [*in_tables, *find_labels(text)]
    recognised = [*labelled, *_find_titled(text), *_find_apart(text), *_find_subjects(text)]
    # Two syllables before a title are sure there, and often a part of another word elsewhere.
    sure = {span.value for span in recognised if len(span.value) > 2} | {span.value for span in labelled}
    full = sorted(sure, key=lambda name: (-len(name), name))[:_MOST_NAMES]
    given = _by_given(full)
    for span in recognised:
        yield replace(span, value=given.get(span.value, span.value))
    yield from find_again(text, full)
    yield from _find_given(text, given)
    for match in _FAMILY_TITLED.finditer(text):
        yield _span(match, match["name"])


def find_known(text: str, names: Collection[str]) -> Iterator[Span]:
    """Those that other texts of the interview name, and their given names before a title."""
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    yield from find_again(text, longest_first)
    yield from _find_given(text, _by_given([name for name in longest_first if len(name) > 2][:_MOST_NAMES]))


def _by_given(names: Sequence[str]) -> dict[str, str]:
    """The full names by their given ones; those that come first, where two people share one."""
    return {given_of(name): name for name in reversed(names) if len(given_of(name)) in (2, 3)}


def find_again(text: str, names: Sequence[str]) -> Iterator[Span]:
    """Wherever they stand, titled or not; the longest come first."""
    for name in names:
        # Two syllables are often a part of another word.
        edge = rf"(?:(?![가-힣]{{3}})|(?={_LONG_PARTICLES}))" if len(name) == 2 else ""
        for match in re.finditer(rf"(?<![가-힣A-Za-z]){_spelled(name)}{edge}", text):
            yield _span(match, name)


def _spelled(name: str) -> str:
    """As a pattern: a blank may part the family name where it is hardly a word by itself."""
    family = name[: len(name) - len(given_of(name))]
    may_part = len(name) > 2 and (family in COMPOUND_FAMILIES or family in SURE_FAMILIES) and not name.isascii()
    return f"{family} ?{name[len(family) :]}" if may_part else re.escape(name)


def _find_titled(text: str) -> Iterator[Span]:
    for pattern in (_NAMED, _INTRODUCED, _TITLED):
        for match in pattern.finditer(text):
            name = match["name"] if pattern is not _NAMED else _without_particle(match["name"])
            if name not in NO_NAMES and _is_meant(pattern, match):
                yield Span(match.start("name"), match.start("name") + len(name), MaskedKind.NAME, name)


def _find_apart(text: str) -> Iterator[Span]:
    for pattern in (_TITLED_APART, _INTRODUCED_APART):
        for match in pattern.finditer(text):
            name = match["name"].replace(" ", "")
            if may_stand_apart(name, is_sure=match["sure"] is not None):
                yield Span(match.start("name"), match.end("name"), MaskedKind.NAME, name)


def _find_subjects(text: str) -> Iterator[Span]:
    for match in _ADDRESSED.finditer(text):
        if match["name"] not in NO_NAMES and match["name"][-1] not in _ADJECTIVE_ENDS:
            yield _span(match, match["name"])
    for match in _SUBJECT.finditer(text):
        group = "name" if match["name"] else "after"
        name = match[group]
        if name not in NO_NAMES and name[-1] not in _GROUP_ENDS:
            yield Span(match.start(group), match.end(group), MaskedKind.NAME, name)


def _is_meant(pattern: re.Pattern[str], match: re.Match[str]) -> bool:
    """Of two syllables, what stands before 님 or 씨, is "called" so, or begins hardly another word; of three, what is
    no adjective: 유능한 대표, 저는 장남이라고. In doubt it is a name: a word too many harms less than a name left.
    """
    name, follows = match["name"], match.string[match.end() :].lstrip()
    is_sure = name[0] in _SURE_OF_TWO
    if pattern is _TITLED:
        is_called = _COURTEOUS.match(follows) is not None
        return is_sure or is_called or (len(name) > 2 and name[-1] not in _ADJECTIVE_ENDS)
    if len(name) > 2:
        return pattern is _NAMED or not (name[-1] == "이" and name[:-1] in NO_NAMES)
    return pattern is _NAMED or is_sure or follows.startswith("이라고")


def _without_particle(name: str) -> str:
    """ "이름은 김솔이에요": the name is what stands before its particle, if two syllables are left."""
    bare = re.sub(rf"(?:{_PARTICLES})$", "", name)
    return bare if len(bare) >= 2 and len(name) == 3 and name[-1] in "이예" else name


def _find_given(text: str, given: dict[str, str]) -> Iterator[Span]:
    if not given:
        return
    pattern = _GIVEN_TITLED.format("|".join(map(re.escape, given)))
    for match in re.finditer(pattern, text):
        yield Span(match.start(1), match.end(1), MaskedKind.NAME, given[match[1]])


def given_of(name: str) -> str:
    """Without the family name; empty for a name in Latin letters."""
    if name.isascii():
        return ""
    return name[2:] if name[:2] in COMPOUND_FAMILIES and len(name) > 3 else name[1:]


def _span(match: re.Match[str], value: str) -> Span:
    return Span(match.start(), match.end(), MaskedKind.NAME, value)
