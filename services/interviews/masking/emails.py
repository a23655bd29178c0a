"""Finds e-mail addresses, written and spoken. Everything here looks at folded text."""

import re
from collections.abc import Iterator

from services.interviews.masking.placeholders import MaskedKind
from services.interviews.masking.spans import Span

_USER = r"(?:[A-Za-z0-9][A-Za-z0-9._%+\-]{0,63}|[가-힣]{1,20})"
_WRITTEN_AT = r" ?(?:@|[\[({<] ?(?:@|at|골뱅이) ?[\])}>]) ?\n?"
_SPOKEN_AT = r" ?(?:골뱅이|앳) ?"
# Where blanks or a line's end part an address, what follows the dot has to be known.
_KNOWN_END = r"(?:com|net|org|edu|gov|info|biz|co|or|go|ac|re|pe|ne|kr|jp|cn|uk|us|de|io|me|tv)(?![A-Za-z0-9])"
_DOT = rf"(?:\.| ?\.[ \n]?(?={_KNOWN_END})| ?(?:점|닷|쩜|[\[({{](?:\.|dot|점)[\])}}]) ?)"
_SPOKEN_LABEL = r"(?:컴|콤|넷|오알지|씨오|시오|케이알|에이씨|한국)"
_HOST = (
    rf"[A-Za-z0-9가-힣\-]{{1,63}}(?:{_DOT}(?:[A-Za-z0-9\-]{{1,63}}|{_SPOKEN_LABEL})){{0,4}}"
    rf"{_DOT}(?:[A-Za-z][A-Za-z0-9\-]{{1,23}}|{_SPOKEN_LABEL})"
)
# Whose name alone is said: kim@naver.
_PROVIDER = (
    r"(?:naver|gmail|daum|hanmail|kakao|nate|hotmail|outlook|icloud|yahoo|네이버|지메일|한메일|네이트|핫메일|아이클라우드)"
    r"(?![A-Za-z0-9])"
)
_WRITTEN = re.compile(rf"{_USER}{_WRITTEN_AT}(?:{_HOST}|{_PROVIDER})", re.IGNORECASE)
_SPOKEN = re.compile(rf"{_SPOKEN_AT}(?:{_HOST}|{_PROVIDER})", re.IGNORECASE)
_LAST_WORD = re.compile(r"[A-Za-z0-9가-힣._%+\-]{1,64}$")
# Said letter by letter: 케이 아이 엠 공일.
_SPELLED = re.compile(
    r"(?<![A-Za-z0-9가-힣])(?:에이치|에이|비|씨|시|디|이|에프|지|쥐|아이|제이|케이|엘|엠|엔|오|피|큐|알|에스|티|유|브이|더블유|더블류"
    r"|엑스|와이|제트|[A-Za-z0-9공영일이삼사오육륙칠팔구]|점|쩜|언더바|하이픈|대시){1,20}[ ,]{1,2}$"
)
_LONGEST_WORD, _MOST_SPELLED = 64, 20


def find_emails(folded: str) -> Iterator[Span]:
    for match in _WRITTEN.finditer(folded):
        yield _span(folded, match.start(), match.end())
    for match in _SPOKEN.finditer(folded):
        start = _begin_of_user(folded, match.start())
        if start < match.start():
            yield _span(folded, start, match.end())


def _begin_of_user(folded: str, end: int) -> int:
    """Of the word before, and those before it that spell letters."""
    word = _LAST_WORD.search(folded, max(0, end - _LONGEST_WORD), end)
    if word is None:
        return end
    start = word.start()
    for _ in range(_MOST_SPELLED):
        spelled = _SPELLED.search(folded, max(0, start - _LONGEST_WORD), start)
        if spelled is None:
            break
        start = spelled.start()
    return start


def _span(folded: str, start: int, end: int) -> Span:
    return Span(start, end, MaskedKind.EMAIL, re.sub(r"\s", "", folded[start:end]).lower())
