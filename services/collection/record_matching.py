"""Decides which stored record a served row is, and what an answer makes of all of them. Pure.

The provider gives its rows no identity, and their spelling, place, kind and details change between answers. So rows are
matched within their day, by rules from the finest to the coarsest: the same content; the same name, details, kind and
address; and on to one of these alone. What a rule cannot tell apart is paired in the order of its content (ordinals).
Each rule looks at both sides alike, so two answers make the same pairs whichever is imported first.

A record is as the newest answer that held it says. It counts as withdrawn since the first later answer that is about
its day and does not hold it; both follow from the times of the answers alone, never from the order of the imports.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter

from services.collection.windows import Window


@dataclass(frozen=True, slots=True, order=True)
class Fingerprint:
    """What of a record is compared: texts without width, blanks and signs; empty where the record says nothing.

    `day` is the year alone where that is all that is known. `details` stands for what was prescribed or measured,
    `content` for the whole row as it was served.
    """

    day: str
    name: str
    details: str
    kind: str
    address: str
    counts: str
    content: str

    @property
    def year(self) -> str:
        return self.day[:4]


@dataclass(frozen=True, slots=True)
class Rule:
    """Records are the same if they agree in these fields. `needed` must say something: two records without an address
    have no address in common."""

    fields: tuple[str, ...]
    needed: str | None = None


_CONTENT = Rule(("day", "content"), "content")
TREATMENT_RULES = (
    _CONTENT,
    Rule(("day", "name", "details", "kind", "address", "counts")),
    Rule(("day", "name", "details", "kind", "counts")),
    Rule(("day", "name", "details", "kind")),
    Rule(("day", "name", "details", "address")),
    Rule(("day", "name", "details")),
    Rule(("day", "details", "kind", "address"), "details"),
    Rule(("day", "details", "kind"), "details"),
    Rule(("day", "details"), "details"),
    Rule(("day", "name", "kind", "counts")),
    Rule(("day", "name", "kind")),
    Rule(("day", "name")),
    # A visit without details whose place was renamed. No coarser: what differs in name and details is another record,
    # and would be hidden behind this one if its own row was not readable.
    Rule(("day", "address", "kind", "details", "counts"), "address"),
)
CHECKUP_RULES = (
    _CONTENT,
    Rule(("day", "name", "details")),
    Rule(("day", "details"), "details"),
    Rule(("day", "name")),
    # Nobody has two general checkups on one day.
    Rule(("day",), "day"),
    # The day was filled in, or corrected.
    Rule(("year", "details"), "details"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """When the insurer gave it, and what it is about; no window where that is not known."""

    answered_at: datetime
    window: Window | None


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """`seen_at`: the newest answer that held it. `content_at`: the answer that its content is of."""

    id: int
    fingerprint: Fingerprint
    seen_at: datetime
    content_at: datetime
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class Moments:
    """When a stored record was last seen, and since when it is withdrawn."""

    id: int
    answered_at: datetime
    withdrawn_at: datetime | None


@dataclass(frozen=True)
class Changes:
    """What an answer makes of the stored records. Served rows are named by their place in the answer.

    `inserted`: new records, some of them withdrawn by an answer that is here already; `replaced`: place -> id of the
    record whose content it replaces; `outdated`: place -> id of the record that has newer content by now;
    `moved`: where the times of a stored record change, of which so many are `withdrawn` now, or have `returned`.
    """

    inserted: Mapping[int, datetime | None]
    replaced: Mapping[int, int]
    outdated: Mapping[int, int]
    moved: Sequence[Moments]
    withdrawn: int
    returned: int
    has_current: bool

    @property
    def alters_lists(self) -> bool:
        """Whether what is listed of the records is another than before."""
        return bool(self.inserted or self.replaced or self.withdrawn or self.returned)


def decide_changes(
    stored: Sequence[StoredRecord],
    served: Sequence[Fingerprint],
    *,
    answer: Answer,
    earlier: Sequence[Answer],
    rules: Sequence[Rule],
) -> Changes:
    """`earlier` are the answers that were imported before, be they older or newer."""
    pairs = match_records([record.fingerprint for record in stored], served, rules)
    answers = sorted([*earlier, answer], key=attrgetter("answered_at"))
    inserted = {place: _withdrawn_at(one, answer.answered_at, answers) for place, one in enumerate(served)}
    replaced: dict[int, int] = {}
    outdated: dict[int, int] = {}
    moved: list[Moments] = []
    withdrawn = returned = 0
    has_current = False
    for index, record in enumerate(stored):
        place, fingerprint, seen_at = pairs.get(index), record.fingerprint, record.seen_at
        if place is not None:
            del inserted[place]
            seen_at = max(seen_at, answer.answered_at)
            if served[place].content != fingerprint.content:
                is_newer = answer.answered_at >= record.content_at
                (replaced if is_newer else outdated)[place] = record.id
                fingerprint = served[place] if is_newer else fingerprint
        withdrawn_at = _withdrawn_at(fingerprint, seen_at, answers)
        has_current = has_current or withdrawn_at is None
        withdrawn += record.withdrawn_at is None and withdrawn_at is not None
        returned += record.withdrawn_at is not None and withdrawn_at is None
        if (seen_at, withdrawn_at) != (record.seen_at, record.withdrawn_at):
            moved.append(Moments(record.id, seen_at, withdrawn_at))
    has_current = has_current or None in inserted.values()
    return Changes(inserted, replaced, outdated, moved, withdrawn, returned, has_current)


def match_records(
    stored: Sequence[Fingerprint], served: Sequence[Fingerprint], rules: Sequence[Rule]
) -> dict[int, int]:
    """Place in `stored` -> place in `served`, each used once at most."""
    pairs: dict[int, int] = {}
    left, right = set(range(len(stored))), set(range(len(served)))
    for rule in rules:
        if not left or not right:
            break
        of_served = _group(served, right, rule)
        for key, places in _group(stored, left, rule).items():
            found = dict(zip(places, of_served.get(key, ()), strict=False))
            pairs |= found
            left.difference_update(found)
            right.difference_update(found.values())
    return pairs


def _group(
    fingerprints: Sequence[Fingerprint], places: Iterable[int], rule: Rule
) -> dict[tuple[str, ...] | str, list[int]]:
    """The places that agree, in the order of what they hold."""
    groups: dict[tuple[str, ...] | str, list[int]] = defaultdict(list)
    key_of = attrgetter(*rule.fields)
    for place in places:
        if rule.needed is None or getattr(fingerprints[place], rule.needed):
            groups[key_of(fingerprints[place])].append(place)
    for members in groups.values():
        if len(members) > 1:
            members.sort(key=lambda place: (fingerprints[place], place))
    return groups


def _withdrawn_at(fingerprint: Fingerprint, seen_at: datetime, answers: Sequence[Answer]) -> datetime | None:
    """The first answer after `seen_at` that is about the record's day, of `answers` in the order of their times."""
    later = [answer for answer in answers if answer.answered_at > seen_at]
    if not later:
        return None
    own = next((answer.window for answer in answers if answer.answered_at == seen_at), None)
    return next((answer.answered_at for answer in later if _is_about(answer.window, fingerprint.day, own)), None)


def _is_about(window: Window | None, day: str, own: Window | None) -> bool:
    """An undated record may be of any day of the window that it was found in."""
    if window is None:
        return False
    if not day:
        return own is not None and window.first <= own.first and own.last <= window.last
    # Of a year alone: its first day, since no checkup is of a day after its answer.
    first = date.fromisoformat(day if len(day) > 4 else f"{day}-01-01")
    return window.first <= first <= window.last
