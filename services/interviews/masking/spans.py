"""What was found where, and what is put in its place: one placeholder per value, the same throughout."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, repr=False)
class Span:
    """`value` is the same for every spelling of the same thing."""

    start: int
    end: int
    kind: MaskedKind
    value: str


@dataclass(frozen=True, slots=True, repr=False)
class MaskedText:
    """`counts`: how many different values of each kind were taken out. `names`: what stands for each name; it is kept
    nowhere."""

    text: str
    counts: dict[str, int]
    names: dict[str, str]


def replace_spans(text: str, found: Iterable[Span]) -> MaskedText:
    """Of spans that overlap, the one found first stays."""
    placeholders = Placeholders(text)
    pieces: list[str] = []
    at = 0
    for span in _without_overlaps(text, found):
        pieces += (text[at : span.start], placeholders.of(span))
        at = span.end
    return MaskedText("".join((*pieces, text[at:])), placeholders.counts, placeholders.names)


class Placeholders:
    """Numbered in the order in which they are needed; a number that the text itself writes is passed over."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._known: dict[tuple[MaskedKind, str], str] = {}
        self._last: Counter[MaskedKind] = Counter()

    @property
    def counts(self) -> dict[str, int]:
        return dict(Counter(str(kind) for kind, _ in self._known))

    @property
    def names(self) -> dict[str, str]:
        return {value: placeholder for (kind, value), placeholder in self._known.items() if kind == MaskedKind.NAME}

    def of(self, span: Span) -> str:
        key = (span.kind, span.value)
        if key not in self._known:
            self._known[key] = self._next(span.kind)
        return self._known[key]

    def _next(self, kind: MaskedKind) -> str:
        while True:
            self._last[kind] += 1
            placeholder = f"[{kind}{self._last[kind]}]"
            if placeholder not in self._text:
                return placeholder


def _without_overlaps(text: str, found: Iterable[Span]) -> list[Span]:
    taken = bytearray(len(text))
    kept = []
    for span in found:
        if span.start < span.end and not any(taken[span.start : span.end]):
            taken[span.start : span.end] = b"\x01" * (span.end - span.start)
            kept.append(span)
    return sorted(kept, key=lambda span: span.start)
