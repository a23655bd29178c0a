"""The masker that is used unless another one is put in its place."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Protocol

from services.interviews.masking.folding import fold
from services.interviews.masking.invisible import compose_visible
from services.interviews.masking.names import find_known, find_names
from services.interviews.masking.numbers import find_numbers
from services.interviews.masking.placeholders import MaskedKind
from services.interviews.masking.spans import NOTHING_MASKED, MaskedText, Span, replace_spans
from services.interviews.masking.tables import find_in_records, find_in_tables

# `[주민번호12345]`, in the place of one letter at worst.
LONGEST_PLACEHOLDER = 11


class Masker(Protocol):
    """Pure: the same text and words give the same result, and nothing is kept. What comes out is composed (NFC), and
    without characters that nobody sees."""

    def mask(self, text: str, words: Sequence[str] = (), *, after: MaskedText | None = None) -> MaskedText:
        """`words` are the uploader's own, taken out wherever they stand. `after`: another text of the same interview,
        whose values keep their placeholders, and whose names are known here; what it writes itself is given to no
        value."""


class PatternMasker:
    """By patterns and lists alone: it sends nothing anywhere, and its misses are measured (`dev.bench.masking`)."""

    def mask(self, text: str, words: Sequence[str] = (), *, after: MaskedText | None = None) -> MaskedText:
        composed = compose_visible(text)
        before = after or NOTHING_MASKED
        found = self._find(fold(composed), [fold(compose_visible(word)) for word in words], before.names)
        return replace_spans(composed, found, before)

    def _find(self, folded: str, words: Sequence[str], known: Collection[str]) -> Iterator[Span]:
        yield from _find_words(folded, words)
        yield from find_numbers(folded)
        recognised = find_names(folded, [*find_in_tables(folded), *find_in_records(folded)])
        again = find_known(folded, known)
        # A known name may be a part of one that is recognised here, and the other way about: the whole one stays.
        yield from sorted((*again, *recognised), key=lambda span: span.start - span.end)


def clean_words(words: Iterable[str]) -> list[str]:
    """Without blank ones, each once, the longest first: a part of a word must not be taken out before the whole."""
    stripped = {" ".join(word.split()) for word in words}
    return sorted((word for word in stripped if word), key=lambda word: (-len(word), word))


def _find_words(text: str, words: Sequence[str]) -> Iterator[Span]:
    for word in clean_words(words):
        pattern = r"\s+".join(map(re.escape, word.split()))
        for match in re.finditer(pattern, text, re.IGNORECASE):
            yield Span(match.start(), match.end(), MaskedKind.WORD, word.casefold())
