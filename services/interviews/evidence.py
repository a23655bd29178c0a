"""Looks in the script for what an analysis quotes: models invent quotes, and who reads must be able to tell."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import accumulate
from typing import Any

from rapidfuzz import fuzz
from rapidfuzz.distance import LCSseq

from core.letters import compose
from services.interviews.masking.placeholders import keep_qualified, mentions_in, qualify, unqualify
from services.interviews.script import ScriptUtterance, bare_letters, read_utterances

POINT_COLUMNS = ("primary_pain_points", "primary_needs")
_ALIKE_PERCENT = 85
# One letter stands in every script: shorter ones must be all that somebody said.
_SHORTEST_PART = 2
# A takeaway is a summary: a word of its own is no quote.
_SHORTEST_OF_TAKEAWAY = 4
# Letters of quotes times letters of the script: a second of CPU. What lies beyond is found verbatim only.
_MOST_COMPARISONS = 5 * 10**9
# In no utterance: JSON's columns cannot hold it.
_BETWEEN_LINES = "\x00"
_NUMBERS = r"\d{1,6}(?:\s*[-~,]\s*\d{1,6}){0,9}"
_ONLY_NUMBERS = re.compile(rf"[\[(#]?\s*({_NUMBERS})\s*(?:번|행|줄)?[\])]?", re.ASCII)
_NUMBERED = re.compile(
    rf"[\[(#]?({_NUMBERS})(?:번|행|줄)?(?:[\])]\s*[:.]?|\s*[:.)]|\s+-)\s*(\S.*)", re.ASCII | re.DOTALL
)
_LABELLED = re.compile(r"([^:：]{1,40})[:：]\s*(\S.*)", re.DOTALL)
_IN_MARKS = re.compile(r"[\"'“‘「『]([^\"'”’」』]+)[\"'”’」』]")


@dataclass(frozen=True, slots=True)
class Evidence:
    """`utterance_ids` are the script's own numbers; empty where the quote was not found, and then it is unverified:
    words of the model that nobody may have said."""

    quote: str
    utterance_ids: list[int]
    verified: bool


def resolve_evidence(result: Mapping[str, Any]) -> dict[str, list[list[dict[str, Any]]]]:
    """For each column with evidence, in its order: what each of its items is borne out by. Pure; `result` holds the
    columns as they are stored."""
    script = ScriptIndex(read_utterances(result.get("cleaned_script")))
    resolved = {name: [_resolve_point(script, item) for item in result.get(name) or ()] for name in POINT_COLUMNS}
    takeaways = [[_resolve_takeaway(script, str(item))] for item in result.get("key_takeaways") or ()]
    columns = resolved | {"key_takeaways": takeaways}
    return {name: [[asdict(one) for one in item] for item in items] for name, items in columns.items()}


class ManyScripts:
    """The scripts of several interviews, in which a quote is looked for at once. Numbered from 1 in their order, as
    MISO was told of them: their placeholders tell of which one they are, and so must those of a quote."""

    def __init__(self, scripts: Mapping[str, Sequence[Any] | None]) -> None:
        self._interviews = list(scripts)
        utterances = [
            (_qualified(one, number), owner)
            for number, (owner, script) in enumerate(scripts.items(), start=1)
            for one in read_utterances(script)
        ]
        self._owners = {id(one): owner for one, owner in utterances}
        self._index = ScriptIndex([one for one, _ in utterances])

    def resolve(self, quotes: Iterable[str]) -> list[dict[str, Any]]:
        """Evidence with the interview in which each quote stands, whom it names called as there. Where it was not found
        that is None, and the quote is the model's words, retold."""
        return [self._resolve(quote) for text in quotes if (quote := _read_quote(text)) is not None]

    def retell(self, text: str) -> str:
        """What is no quote, with placeholders that tell of which interview they are; any other has no number."""
        return keep_qualified(text, lambda number: 1 <= number <= len(self._interviews))

    def explain(self, texts: Iterable[str]) -> list[dict[str, str]]:
        """Whose the placeholders of retold texts are, each once."""
        mentions = {mention for text in texts for mention in mentions_in(text)}
        return [
            {
                "placeholder": qualify(placeholder, number),
                "interview_id": self._interviews[number - 1],
                "in_interview": placeholder,
            }
            for number, placeholder in sorted((number, one) for number, one in mentions if number is not None)
        ]

    def _resolve(self, quote: "_Quote") -> dict[str, Any]:
        # Numbers of lines are another interview's as well: only words count.
        for words, found in self._index.find_each(quote.words or (quote.said,), ()):
            owner = self._owners[id(found[0])]
            theirs = [one for one in found if self._owners[id(one)] == owner]
            return {"interview_id": owner, **asdict(_verified(unqualify(words), theirs))}
        return {"interview_id": None, **asdict(Evidence(self.retell(quote.said), [], verified=False))}


def _qualified(utterance: ScriptUtterance, number: int) -> ScriptUtterance:
    return replace(utterance, text=qualify(utterance.text, number), speaker=qualify(utterance.speaker, number))


def _resolve_point(script: "ScriptIndex", point: Any) -> list[Evidence]:
    said = point.get("evidence") if isinstance(point, dict) else None
    quotes = map(_read_quote, said if isinstance(said, list) else ())
    return [_resolve_quote(script, quote) for quote in quotes if quote is not None]


@dataclass(frozen=True, slots=True)
class _Quote:
    """As the model gave it: words, numbers of lines, or both."""

    said: str
    words: tuple[str, ...]
    numbers: tuple[int, ...]


def _read_quote(text: Any) -> _Quote | None:
    """None for what says nothing."""
    said = compose(text).strip() if isinstance(text, str) else ""
    if not said:
        return None
    if only := _ONLY_NUMBERS.fullmatch(said):
        return _Quote(said, (), _numbers_in(only[1]))
    numbered = _NUMBERED.fullmatch(said)
    return _Quote(said, (said, numbered[2]), _numbers_in(numbered[1])) if numbered else _Quote(said, (said,), ())


def _numbers_in(text: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(map(int, re.findall(r"\d+", text))))


def _resolve_quote(script: "ScriptIndex", quote: _Quote) -> Evidence:
    hinted = script.numbered(quote.numbers)
    if not quote.words and hinted:  # a number without words points to what was said
        return _verified(" ".join(one.text for one in hinted), hinted)
    words = quote.words or (quote.said,)
    unlabelled = [said for one in words if (said := script.without_label(one))]
    for quoted, found in script.find_each([*words, *unlabelled], hinted):
        return _verified(quoted, found)
    return Evidence(quote.said, [], verified=False)


def _resolve_takeaway(script: "ScriptIndex", takeaway: str) -> Evidence:
    """By itself, or by what it quotes: within marks, or before a colon."""
    said = compose(takeaway).strip()
    words = [said, *_IN_MARKS.findall(said), said.partition(":")[0]]
    long_enough = [one for one in words if len(bare_letters(one)) >= _SHORTEST_OF_TAKEAWAY]
    for quoted, found in script.find_each(long_enough, ()):
        return _verified(quoted, found)
    return Evidence(said, [], verified=False)


def _verified(quote: str, utterances: Iterable[ScriptUtterance]) -> Evidence:
    ids = dict.fromkeys(number for one in utterances for number in one.ids)
    return Evidence(quote, list(ids), verified=True)


class ScriptIndex:
    """Where words stand in a script: verbatim, else spaces and punctuation aside, else nearly so; also over lines."""

    def __init__(self, utterances: Sequence[ScriptUtterance]) -> None:
        self._utterances = utterances
        self._said = _Joined([one.text for one in utterances], _BETWEEN_LINES)
        self._letters_of = {id(one): bare_letters(one.text) for one in utterances}
        letters = [self._letters_of[id(one)] for one in utterances]
        self._joined = _Joined(letters)
        self._letters = self._joined.text
        self._whole = dict(zip(reversed(letters), reversed(utterances), strict=True))
        self._numbered: dict[int, list[int]] = {}
        for place, one in enumerate(utterances):
            for number in one.ids:
                self._numbered.setdefault(number, []).append(place)
        self._speakers = {one.speaker for one in utterances}
        self._comparisons_left = _MOST_COMPARISONS

    def numbered(self, numbers: Sequence[int]) -> list[ScriptUtterance]:
        places = sorted({place for number in numbers for place in self._numbered.get(number, ())})
        return [self._utterances[place] for place in places]

    def without_label(self, words: str) -> str:
        """What follows a speaker of the script and a colon; empty where there is no such label."""
        labelled = _LABELLED.fullmatch(words)
        return labelled[2] if labelled and labelled[1].strip() in self._speakers else ""

    def find_each(
        self, candidates: Sequence[str], hinted: Sequence[ScriptUtterance]
    ) -> Iterator[tuple[str, Sequence[ScriptUtterance]]]:
        """Those of the candidates that stand there, with where; a surer way for each comes before a less sure one."""
        letters = [(one, bare_letters(one)) for one in candidates]
        for look in (self._find_verbatim, self._find_letters, self._find_alike):
            for words, bare in letters:
                if bare and (found := look(words, bare, hinted)) and _means_the_same(words, found):
                    yield words, found

    def _find_verbatim(self, words: str, bare: str, hinted: Sequence[ScriptUtterance]) -> Sequence[ScriptUtterance]:
        if len(bare) < _SHORTEST_PART:
            return ()
        for one in hinted:
            if words in one.text:
                return (one,)
        start = self._said.text.find(words)
        return (self._utterances[self._said.line_at(start)],) if start >= 0 else ()

    def _find_letters(self, _: str, bare: str, hinted: Sequence[ScriptUtterance]) -> Sequence[ScriptUtterance]:
        for one in hinted:
            if _is_in(bare, self._letters_of[id(one)]):
                return (one,)
        if len(bare) < _SHORTEST_PART:
            return (self._whole[bare],) if bare in self._whole else ()
        start = self._letters.find(bare)
        return self._between(start, start + len(bare)) if start >= 0 else ()

    def _find_alike(self, _: str, bare: str, __: Sequence[ScriptUtterance]) -> Sequence[ScriptUtterance]:
        comparisons = len(bare) * len(self._letters)
        if len(bare) < _SHORTEST_PART or not comparisons or comparisons > self._comparisons_left:
            return ()
        self._comparisons_left -= comparisons
        if len(bare) >= len(self._letters):  # the shorter one would be looked for in the longer
            is_alike = fuzz.ratio(bare, self._letters) >= _ALIKE_PERCENT
            return self._utterances if is_alike else ()
        start, end = self._find_window(bare)
        is_alike = fuzz.ratio(bare, self._letters[start:end]) >= _ALIKE_PERCENT
        return self._mostly_between(start, end) if is_alike else ()

    def _find_window(self, quoted: str) -> tuple[int, int]:
        """The most alike part of the script. It is looked for in windows as long as the quote, which may be longer than
        what it stands for: so less likeness is asked for, and the ends that are not of the quote are left out."""
        found = fuzz.partial_ratio_alignment(quoted, self._letters, score_cutoff=_ALIKE_PERCENT - 10)
        if found is None:
            return 0, 0
        window = self._letters[found.dest_start : found.dest_end]
        common = [block for block in LCSseq.editops(quoted, window).as_matching_blocks() if block.size]
        return found.dest_start + common[0].b, found.dest_start + common[-1].b + common[-1].size

    def _between(self, start: int, end: int) -> Sequence[ScriptUtterance]:
        return self._utterances[self._joined.line_at(start) : self._joined.line_at(end - 1) + 1]

    def _mostly_between(self, start: int, end: int) -> Sequence[ScriptUtterance]:
        """Without lines of which an inexact match has taken a letter or two."""
        first, ends_of = self._joined.line_at(start), self._joined.ends
        kept = []
        for index, one in enumerate(self._between(start, end), start=first):
            begins, ends = ends_of[index - 1] if index else 0, ends_of[index]
            shared = min(end, ends) - max(start, begins)
            if shared * 4 >= min(end - start, ends - begins):
                kept.append(one)
        return kept


def _means_the_same(words: str, found: Sequence[ScriptUtterance]) -> bool:
    """Whom the words name is named or speaks there. To what is only alike, [이름1] and [이름2] are a letter apart."""
    mentioned = mentions_in(words)
    return not mentioned or mentioned <= mentions_in(" ".join(f"{one.speaker} {one.text}" for one in found))


class _Joined:
    """Lines as one text, in which a search takes a thousandth of the time that a search of each takes."""

    def __init__(self, lines: Sequence[str], between: str = "") -> None:
        self.text = between.join(lines)
        self.ends = list(accumulate(len(line) + len(between) for line in lines))

    def line_at(self, place: int) -> int:
        return bisect_right(self.ends, place)


def _is_in(part: str, whole: str) -> bool:
    return part == whole if len(part) < _SHORTEST_PART else part in whole
