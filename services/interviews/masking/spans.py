"""What was found where, and what is put in its place: one placeholder per value, the same throughout."""

from collections import Counter
from collections.abc import Iterable, Mapping
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


# By kind and value, what stands in its place.
Known = Mapping[tuple[MaskedKind, str], str]
NO_VALUES: Known = {}


@dataclass(frozen=True, slots=True, repr=False)
class Span:
    """`value` is the same for every spelling of the same thing."""

    start: int
    end: int
    kind: MaskedKind
    value: str


@dataclass(frozen=True, slots=True, repr=False)
class MaskedText:
    """`placeholders`: what stands for each value that was taken out; it is kept nowhere."""

    text: str
    placeholders: Known

    @property
    def counts(self) -> dict[str, int]:
        """How many different values of each kind were taken out."""
        return dict(Counter(str(kind) for kind, _ in self.placeholders))

    @property
    def names(self) -> dict[str, str]:
        """What stands for each name."""
        return {value: one for (kind, value), one in self.placeholders.items() if kind == MaskedKind.NAME}


def replace_spans(text: str, found: Iterable[Span], known: Known = NO_VALUES) -> MaskedText:
    """Of spans that overlap, the one found first stays. What is `known` has its placeholder already."""
    placeholders = Placeholders(text, known)
    pieces: list[str] = []
    at = 0
    for span in _without_overlaps(text, found):
        pieces += (text[at : span.start], placeholders.of(span))
        at = span.end
    return MaskedText("".join((*pieces, text[at:])), placeholders.known)


class Placeholders:
    """Numbered in the order in which they are needed; a number that the text itself writes, or that stands for a known
    value, is passed over."""

    def __init__(self, text: str, known: Known) -> None:
        self._text = text
        self._taken = frozenset(known.values())
        self.known = dict(known)
        self._last: Counter[MaskedKind] = Counter()

    def of(self, span: Span) -> str:
        key = (span.kind, span.value)
        if key not in self.known:
            self.known[key] = self._next(span.kind)
        return self.known[key]

    def _next(self, kind: MaskedKind) -> str:
        while True:
            self._last[kind] += 1
            placeholder = f"[{kind}{self._last[kind]}]"
            if placeholder not in self._text and placeholder not in self._taken:
                return placeholder


def _without_overlaps(text: str, found: Iterable[Span]) -> list[Span]:
    taken = bytearray(len(text))
    kept = []
    for span in found:
        if span.start < span.end and not any(taken[span.start : span.end]):
            taken[span.start : span.end] = b"\x01" * (span.end - span.start)
            kept.append(span)
    return sorted(kept, key=lambda span: span.start)
