"""Parses the texts in Tilko's records: numbers, pairs, dates. Total functions: what cannot be read is None.

The provider decides how long a text is, and an expression that tries every split of a run of blanks takes quadratic
time: a text is cut or refused by its length before any expression sees it.
"""

import re
import unicodedata
from datetime import date

from upstream.absence import is_absent

# Longer than any measurement with its unit and a remark, and than any date.
_LONGEST_NUMBER, _LONGEST_DATE = 80, 32
_LARGEST_INTEGER = 10**18
# Half-width and composed, for what people type in a form: ９８．５, ㎜Hg, 120／80.
_SUPERSCRIPTS = re.compile(r"[²³¹⁰-₉¼-¾⅐-⅞①-⓿]")
_LABEL = r"(?:(?:최고|최저|수축기|이완기|좌측?|우측?)[ :]*)?"
_FLAG = r"[↑↓▲▼△▽*]*"
# "1e5" is no 1 in a unit that begins with an e.
_UNIT = r"(?:(?![eE][-+]?\d)[A-Za-z%µμ][^()\[\]가-힣]*)?"
_REMARK = r"(?:\([^()]*\)|\[[^\[\]]*\]|정상[AB]?|경계|질환의심|의심|양호)?"
_NUMBER = re.compile(
    rf"{_LABEL}{_FLAG} ?\+?(\d{{1,3}}(?:,\d{{3}})+|\d{{1,9}})(\.\d{{1,9}})? ?{_FLAG} ?{_UNIT} ?{_REMARK} ?{_FLAG}"
)
_SIGNS = re.compile(r"[\W_]+")
# "60 이상" is a range, not a measurement: storing 60 would be a false medical statement.
_RANGE = re.compile(r"이상|이하|미만|초과|[<>≤≥~]")
_SIDE = re.compile(r"^[([]?(?:좌측?|우측?|왼쪽|오른쪽)[)\]]?[ :]*|[ ]*[([](?:좌측?|우측?|왼쪽|오른쪽)[)\]]$")
_WHOLE = re.compile(r"(\d{1,3}(?:,\d{3})+|\d{1,9}) ?(?:일|회|건)?")
_DATE = re.compile(r"(\d{4}) ?[-./년]? ?(\d{1,2}) ?[-./월]? ?(\d{1,2}) ?[일.]?")
_DAY = re.compile(r"(\d{1,2}) ?[-./월]? ?(\d{1,2}) ?[일.]?")
_YEAR = re.compile(r"(\d{4}) ?년?")
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
# Wider than any column: beyond it a typing error is likelier than a measurement.
_LARGEST = 100_000.0


def read_text(value: object) -> str:
    """PostgreSQL stores no NUL, and one would take its whole file down."""
    if isinstance(value, str):
        return (value.replace("\x00", "") if "\x00" in value else value).strip()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    if isinstance(value, int) and abs(value) >= _LARGEST_INTEGER:
        return ""
    return str(value)


def fold(text: str) -> str:
    """One form for what looks alike (NFKC): full-width digits and signs, composed units, decomposed syllables; blanks
    of any kind and number become one."""
    if text.isascii():  # nearly every number: nothing to fold
        return " ".join(text.split())
    # A raised digit is no digit of the number before it: 10⁹ is not 109.
    return " ".join(unicodedata.normalize("NFKC", _SUPERSCRIPTS.sub("^", text)).split())


def squeeze(text: str) -> str:
    """Folded, without blanks, signs and case: to compare names with."""
    return _SIGNS.sub("", unicodedata.normalize("NFKC", text)).casefold()


def read_number(value: object) -> float | None:
    """A positive measurement; 0 is the provider's way to say "not measured" where it does not leave it empty.

    Marks and remarks beside the number are no part of it: `98(정상)`, `1.0↑`.
    """
    text = _fold_within(value, _LONGEST_NUMBER)
    match = _NUMBER.fullmatch(text)
    if match is None or _RANGE.search(text):
        return None
    number = float(match[1].replace(",", "") + (match[2] or ""))
    return number if 0 < number < _LARGEST else None


def read_number_pair(value: object) -> tuple[float | None, float | None]:
    """`118/76`, with either side possibly empty."""
    left, _, right = _fold_within(value, _LONGEST_NUMBER).partition("/")
    return read_number(left), read_number(right)


def read_finding(value: object) -> str | None:
    """Words as they were served; None for such as say that nothing was examined."""
    text = read_text(value)
    return None if is_absent(text) else text


def read_finding_pair(value: object) -> tuple[str | None, str | None]:
    """`1.0/0.8` or `정상/정상`; one word without a slash holds for both sides."""
    text = fold(read_text(value))
    left, slash, right = text.partition("/")
    return read_side(left), read_side(right if slash else text)


def read_side(value: object) -> str | None:
    """The finding of one side, without the name of the side: `좌 1.0`, `1.0(좌)`."""
    text = read_text(value)
    return read_finding(_SIDE.sub("", fold(text)) if len(text) <= _LONGEST_NUMBER else text)


def read_whole(value: object) -> int | None:
    match = _WHOLE.fullmatch(_fold_within(value, _LONGEST_DATE))
    return int(match[1].replace(",", "")) if match else None


def read_year(value: object) -> int | None:
    match = _YEAR.fullmatch(_fold_within(value, _LONGEST_DATE))
    year = int(match[1]) if match else 0
    return year if _FIRST_YEAR <= year < _LAST_YEAR else None


def read_date(value: object) -> date | None:
    """`2024-03-11`, `2024.03.11`, `20240311`."""
    match = _DATE.fullmatch(_fold_within(value, _LONGEST_DATE))
    return _make_date(int(match[1]), match[2], match[3]) if match else None


def read_day_of(year: int, value: object) -> date | None:
    """`09/28` in that year; a whole date stands for itself."""
    whole = read_date(value)
    match = _DAY.fullmatch(_fold_within(value, _LONGEST_DATE))
    return whole if whole or match is None else _make_date(year, match[1], match[2])


def _fold_within(value: object, longest: int) -> str:
    """Empty for what is too long to be meant."""
    text = read_text(value)
    return fold(text) if len(text) <= longest else ""


def _make_date(year: int, month: str, day: str) -> date | None:
    try:
        return date(year, int(month), int(day)) if _FIRST_YEAR <= year < _LAST_YEAR else None
    except ValueError:
        return None
