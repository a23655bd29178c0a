"""What was found where, and what is put in its place: one placeholder per value, the same throughout."""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate

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
    """Of spans that overlap, the one found first stays; of what the words cover, nothing is left: see
    `_without_overlaps`. What is known from the texts before has its placeholder already."""
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
    """A word within a number or a name would take a part out and leave the rest to be read: the whole one stays, and
    what of the word lies outside of it stands for the word. One that a word covers as a whole is that word's."""
    spans = list(found)
    words = [span for span in spans if span.kind == MaskedKind.WORD]
    covers = _Covers(words)
    taken = bytearray(len(text))
    kept = []
    for span in spans:
        is_rival = span.kind != MaskedKind.WORD and span.start < span.end and not covers.whole(span)
        if is_rival and not any(taken[span.start : span.end]):
            kept.append(_take(taken, span))
    for word in words:
        kept.extend(_take(taken, piece) for piece in _pieces_left(taken, word))
    return sorted(kept, key=lambda span: span.start)


class _Covers:
    """How far the words reach that begin at a place or before it."""

    def __init__(self, words: Iterable[Span]) -> None:
        by_start = sorted((word.start, word.end) for word in words)
        self._starts = [start for start, _ in by_start]
        self._reached = list(accumulate((end for _, end in by_start), max))

    def whole(self, span: Span) -> bool:
        before = bisect_right(self._starts, span.start)
        return before > 0 and self._reached[before - 1] >= span.end


def _pieces_left(taken: bytearray, span: Span) -> list[Span]:
    """What of the span is not taken yet."""
    free = re.finditer(rb"\x00+", taken[span.start : span.end])
    return [replace(span, start=span.start + piece.start(), end=span.start + piece.end()) for piece in free]


def _take(taken: bytearray, span: Span) -> Span:
    taken[span.start : span.end] = b"\x01" * (span.end - span.start)
    return span
