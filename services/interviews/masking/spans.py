"""What was found where, and what is put in its place: one placeholder per value, the same throughout."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.interviews.masking.placeholders import MaskedKind, placeholders_in

# By kind and value, what stands in its place.
Known = Mapping[tuple[MaskedKind, str], str]


@dataclass(frozen=True, slots=True, repr=False)
class Span:
    """`value` is the same for every spelling of the same thing."""

    start: int
    end: int
    kind: MaskedKind
    value: str


@dataclass(frozen=True, slots=True, repr=False)
class MaskedText:
    """`placeholders`: what stands for each value that was taken out, here or in the texts before it. `written`: those
    that the texts write themselves, which stand for no value of ours."""

    text: str
    placeholders: Known
    written: frozenset[str] = frozenset()

    @property
    def counts(self) -> dict[str, int]:
        """How many different values of each kind were taken out."""
        return dict(Counter(str(kind) for kind, _ in self.placeholders))

    @property
    def names(self) -> dict[str, str]:
        """What stands for each name."""
        return {value: one for (kind, value), one in self.placeholders.items() if kind == MaskedKind.NAME}


# Before the first text.
NOTHING_MASKED = MaskedText("", {})


def replace_spans(text: str, found: Iterable[Span], after: MaskedText = NOTHING_MASKED) -> MaskedText:
    """Of spans that overlap, the one found first stays. What is known from the texts before has its placeholder
    already."""
    written = after.written | placeholders_in(text)
    placeholders = Placeholders(after.placeholders, written)
    pieces: list[str] = []
    at = 0
    for span in _without_overlaps(text, found):
        pieces += (text[at : span.start], placeholders.of(span))
        at = span.end
    return MaskedText("".join((*pieces, text[at:])), placeholders.known, written)


class Placeholders:
    """Numbered in the order in which they are needed; a number that the texts themselves write, or that stands for a
    known value, is passed over."""

    def __init__(self, known: Known, written: frozenset[str]) -> None:
        self._taken = written.union(known.values())
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
            if placeholder not in self._taken:
                return placeholder


def _without_overlaps(text: str, found: Iterable[Span]) -> list[Span]:
    taken = bytearray(len(text))
    kept = []
    for span in found:
        if span.start < span.end and not any(taken[span.start : span.end]):
            taken[span.start : span.end] = b"\x01" * (span.end - span.start)
            kept.append(span)
    return sorted(kept, key=lambda span: span.start)
