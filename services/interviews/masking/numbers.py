"""Finds numbers that lead to a person, however they are written: spaces, dots, full-width and spoken digits.

Everything here looks at folded text, in which each character stands where it stood.
"""

import re
from collections.abc import Callable, Iterator

from services.interviews.masking.emails import find_emails
from services.interviews.masking.folding import SPOKEN_DIGITS, fold_signs, fold_spoken
from services.interviews.masking.labelled_numbers import find_labelled_numbers
from services.interviews.masking.placeholders import MaskedKind
from services.interviews.masking.spans import Span

# A number may go on in the next line, behind its dash.
_BREAK = r" ?- ?\n ?| ?\n ?- ?"
_BETWEEN = rf"(?:[ .\-/]{{0,3}}|{_BREAK}|에 ?|의 ?| ?다시 ?)"
# Between the groups of a number that is spoken: "공일공에 일이삼사에 오육칠팔", "다시" for the dash.
_GROUPS = rf"(?:[ .,)\-/_]{{0,3}}|{_BREAK}|에 ?|의 ?| ?다시 ?)"
_OF_MOBILE = rf"(?:{_GROUPS}| ?\n ?)"
_OF_CARD = rf"(?:[ .\-/_]{{0,3}}|{_BREAK})"
_DIGIT = r"\d[ .]?"
# Spoken, 이 may as well be the particle that follows: only a written digit must not.
_WRITTEN_END, _SPOKEN_END = r"(?!\d)", ""
_RESIDENT_DIGITS = (
    rf"(?<!\d)(?:{_DIGIT}){{2}}[01][ .]?{_DIGIT}[0-3][ .]?\d{_BETWEEN}[1-8][ .]?(?:(?:{_DIGIT}){{5}}\d|[*xX●]{{6}})"
)
_MOBILE_DIGITS = (
    rf"(?<!\d)(?:(?:\+|00)? ?82[ .)\-]{{0,3}}(?:\(0\) ?)?0?|\(?0[ .]?)1[ .]?[016789]\)?{_OF_MOBILE}"
    rf"(?:{_DIGIT}){{2,3}}\d{_OF_MOBILE}(?:{_DIGIT}){{3}}\d"
)
_RESIDENT, _SPOKEN_RESIDENT = (re.compile(_RESIDENT_DIGITS + end) for end in (_WRITTEN_END, _SPOKEN_END))
_MOBILE, _SPOKEN_MOBILE = (re.compile(_MOBILE_DIGITS + end) for end in (_WRITTEN_END, _SPOKEN_END))
_CARD = re.compile(
    rf"(?<!\d)(?:(?:\d{{4}}{_OF_CARD}){{3}}\d{{4}}|3[47]\d{{2}}{_OF_CARD}\d{{6}}{_OF_CARD}\d{{5}})(?!\d)"
)
_YEARS = re.compile(r"(?:(?:19|20)\d\d\D*){4}")
_SPOKEN_CARD = re.compile(rf"(?<!\d)(?:(?:\d{{4}}{_GROUPS}){{3}}\d{{4}}|3[47]\d{{2}}{_GROUPS}\d{{6}}{_GROUPS}\d{{5}})")
# With numbers that stand for another one (050x).
_AREA = r"(?:5[ .]?0[ .]?\d|2|[3-6][ .]?[1-5]|[57][ .]?0)"
_ABROAD = r"(?:(?:\+|00) ?82[ .)\-]{0,3}|82-)(?:\(0\) ?)?0?"
_LAND_DIGITS = (
    rf"(?<!\d)(?<!\d/)(?:\(?0[ .]?|{_ABROAD}){_AREA}\)?{_GROUPS}"
    rf"(?:{_DIGIT}){{2,3}}\d{_GROUPS}(?:{_DIGIT}){{3}}\d"
)
_LAND, _SPOKEN_LAND = (re.compile(_LAND_DIGITS + end) for end in (_WRITTEN_END, _SPOKEN_END))
# Of numbers as long as these nearly all digits are spoken: one or two may be particles and parts of words.
_SPOKEN_AT_LEAST = 6
_ACCOUNT = re.compile(
    r"(?<![\d\-])\d{2,6}-\n?\d{2,6}-\n?\d{2,7}(?:-\d{1,3})?(?![\d\-])"
    # Three groups: an address of the internet has four.
    r"|(?<![\d.])\d{2,6}\.\d{2,6}\.\d{2,7}(?!\.?\d)"
)
# Blanks part any numbers, and spoken ones anything: what stands around them tells what they are.
_GROUPED_ACCOUNT = re.compile(r"(?<!\d)\d{2,6} \d{2,6} \d{2,7}(?: \d{1,3})?(?! ?\d)")
_SPOKEN_ACCOUNT = re.compile(r"(?<!\d)(?:\d{2,7}(?:[ .,\-]{1,3}|에 ?|의 ?| ?다시 ?)){0,4}\d{2,14}")
_BEFORE_ACCOUNT = re.compile(r"(?:계좌|은행|뱅크|농협|수협|신협|우체국|새마을금고|입금|송금|이체|통장)[^\n]{0,20}$")
_AFTER_ACCOUNT = re.compile(r"[^\n]{0,6}(?:보내|보냈|부치|부쳐|부쳤|입금|송금|이체|넣어|넣었|계좌|통장)")
_AROUND_ACCOUNT = 30
# 이 is a digit, and how a sentence ends behind one.
_ENDS_AFTER_DIGIT = re.compile(r"이(?=에요|예요|고|요|라|었|니|란|지|야|며|거)")
_BARE_ACCOUNT = re.compile(
    r"(?:계좌|은행|뱅크|농협|수협|신협|국민|신한|우리|하나|기업|토스|우체국|새마을금고|입금)[^\d\n]{0,15}"
    r"((?:\d[ \-]?){9,13}\d)(?!\d)"
)
_PASSPORT = re.compile(
    r"(?<![A-Za-z0-9])[MSRODGmsrodg][ \-]?(?:\d{4}[ \-]?\d{4}|\d{3}[ \-]?[A-Za-z][ \-]?\d{4})(?![A-Za-z0-9])"
)
_SPOKEN_LETTERS = {"엠": "M", "에스": "S", "알": "R", "디": "D", "지": "G"}
_SPOKEN_PASSPORT = re.compile(
    rf"여권[^\n]{{0,15}}?((?:{'|'.join(_SPOKEN_LETTERS)}|[MSRODGmsrodg])[ ,\-]{{0,2}}"
    r"(?:\d{4}[ ,\-]{0,2}\d{4}|\d{3} ?(?:[A-Za-z]|[가-힣2]{1,3}) ?\d{4}))"
)
_PLATE = re.compile(
    r"(?:(?:서울|부산|대구|인천|광주|대전|울산|경기|강원|충북|충남|전북|전남|경북|경남|제주) ?)?(?<!\d)\d{2,3} ?"
    r"[가나다라마거너더러머버서어저고노도로모보소오조구누두루무부수우주하허호배아바사자] ?\d{4}(?!\d)"
    r"(?! ?(?:년|원|명|개|번|월|건|만|회|점|동|호|kg|km|㎡|%))"
)


def find_numbers(text: str) -> Iterator[Span]:
    """The surest kinds first. `text` is folded."""
    folded = fold_signs(text)
    spoken = fold_spoken(folded)
    yield from find_emails(folded)
    yield from _find(_RESIDENT, folded, MaskedKind.RESIDENT, _is_born_on)
    yield from _find(_MOBILE, folded, MaskedKind.PHONE)
    residents = _find(_SPOKEN_RESIDENT, spoken, MaskedKind.RESIDENT, _is_born_on)
    spoken_numbers = [
        # Not where the last one alone is spoken: it is the particle behind a shorter number (101013234567이요).
        *(one for one in residents if _spoken_digits(folded[one.start : one.end - 1])),
        *_find(_SPOKEN_MOBILE, spoken, MaskedKind.PHONE),
    ]
    yield from (span for span in spoken_numbers if not folded[span.end : span.end + 1].isdigit())
    yield from _find(_CARD, folded, MaskedKind.CARD, _is_card)
    yield from _find_spoken(_SPOKEN_CARD, folded, spoken, MaskedKind.CARD)
    yield from _find(_LAND, folded, MaskedKind.PHONE, _is_written_apart)
    yield from _find_spoken(_SPOKEN_LAND, folded, spoken, MaskedKind.PHONE)
    yield from _find(_ACCOUNT, folded, MaskedKind.ACCOUNT, _is_account)
    for match in _BARE_ACCOUNT.finditer(folded):
        yield Span(match.start(1), match.end(1), MaskedKind.ACCOUNT, _digits_of(match[1]))
    yield from _find_told_accounts(folded, spoken)
    yield from _find(_PASSPORT, folded, MaskedKind.PASSPORT)
    for match in _SPOKEN_PASSPORT.finditer(spoken):
        yield Span(match.start(1), match.end(1), MaskedKind.PASSPORT, _value_of(MaskedKind.PASSPORT, match[1]))
    yield from _find(_PLATE, folded, MaskedKind.PLATE)
    yield from find_labelled_numbers(text)


def _find_spoken(pattern: re.Pattern[str], folded: str, spoken: str, kind: MaskedKind) -> Iterator[Span]:
    for span in _find(pattern, spoken, kind):
        is_whole = not folded[span.end : span.end + 1].isdigit()
        if is_whole and _spoken_digits(folded[span.start : span.end]) >= _SPOKEN_AT_LEAST:
            yield span


def _find_told_accounts(folded: str, spoken: str) -> Iterator[Span]:
    """Of which the words around them say what they are."""
    for match in _GROUPED_ACCOUNT.finditer(folded):
        if _is_account(match[0]) and _is_told_account(folded, match.start(), match.end()):
            yield Span(match.start(), match.end(), MaskedKind.ACCOUNT, _digits_of(match[0]))
    for match in _SPOKEN_ACCOUNT.finditer(spoken):
        start, end = match.span()
        if _ENDS_AFTER_DIGIT.match(folded, end - 1):
            end -= 1
        is_spoken = _spoken_digits(folded[start:end]) >= _SPOKEN_AT_LEAST
        if is_spoken and _is_account(spoken[start:end]) and _is_told_account(folded, start, end):
            yield Span(start, end, MaskedKind.ACCOUNT, _digits_of(spoken[start:end]))


def _is_told_account(folded: str, start: int, end: int) -> bool:
    before = folded[max(0, start - _AROUND_ACCOUNT) : start]
    return _BEFORE_ACCOUNT.search(before) is not None or _AFTER_ACCOUNT.match(folded, end) is not None


def _spoken_digits(written: str) -> int:
    return sum(letter in SPOKEN_DIGITS for letter in written)


def _find(
    pattern: re.Pattern[str], text: str, kind: MaskedKind, is_meant: Callable[[str], bool] = lambda _: True
) -> Iterator[Span]:
    for match in pattern.finditer(text):
        if is_meant(match[0]):
            yield Span(match.start(), match.end(), kind, _value_of(kind, match[0]))


def _value_of(kind: MaskedKind, written: str) -> str:
    if kind in (MaskedKind.PASSPORT, MaskedKind.PLATE):
        bare = re.sub(r"[ ,\-]", "", written).upper()
        spoken = next((word for word in _SPOKEN_LETTERS if kind == MaskedKind.PASSPORT and bare.startswith(word)), "")
        return _SPOKEN_LETTERS.get(spoken, "") + bare.removeprefix(spoken)
    digits = _digits_of(written)
    if kind != MaskedKind.PHONE or not digits.startswith(("82", "0082")):
        return digits
    return f"0{digits.removeprefix('00').removeprefix('82').removeprefix('0')}"


def _digits_of(written: str) -> str:
    return re.sub(r"\D", "", written)


def _is_born_on(written: str) -> bool:
    digits = _digits_of(written)
    return 1 <= int(digits[2:4]) <= 12 and 1 <= int(digits[4:6]) <= 31


def _is_card(written: str) -> bool:
    """By its check digit; where it is written in groups, by them, as people mistype. Four years are none."""
    if _YEARS.fullmatch(written):
        return False
    digits = [int(digit) for digit in _digits_of(written)]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return len(written) > len(digits) or (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_written_apart(written: str) -> bool:
    """Or whole: 021234567, 02 1234567. Two numbers that happen to stand side by side are neither."""
    is_whole = re.fullmatch(r"\(?0\d{1,3}\)? ?\d{7,8}", written) is not None or written.isdigit()
    is_apart = re.search(r"\d[.)\-/_] ?\n? ?\d", written) is not None or "\n" in written or written.count(" ") == 2
    return is_whole or is_apart or written.startswith(("+", "00"))


def _is_account(written: str) -> bool:
    return 10 <= len(_digits_of(written)) <= 14
