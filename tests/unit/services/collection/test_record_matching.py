"""Which stored record a served row is, and since when one is withdrawn: a table of cases."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collection.record_matching import (
    CHECKUP_RULES,
    TREATMENT_RULES,
    Answer,
    Changes,
    Fingerprint,
    StoredRecord,
    decide_changes,
    match_records,
)
from services.collection.windows import Window

FIRST = datetime(2026, 11, 1, tzinfo=UTC)
SECOND, THIRD = FIRST + timedelta(days=7), FIRST + timedelta(days=14)
WINDOW = Window(date(2025, 9, 1), date(2026, 9, 1))
TREATMENT = Fingerprint("2026-03-11", "새봄약국", "d1", "처방조제", "마포구가온로", "1/1/5", "c1")
CHECKUP = Fingerprint("2025-09-28", "한빛검진의원", "d1", "", "", "", "c1")


@pytest.mark.parametrize(
    "changed",
    [
        {"address": "마포구가온로7"},
        {"address": ""},
        {"kind": "외래조제"},
        {"name": "새봄온누리약국"},
        {"name": "새봄온누리약국", "kind": "외래조제"},
        {"details": "d2"},
        {"details": ""},
        {"counts": "1/2/5"},
        {"details": "d2", "kind": "외래조제", "address": ""},
    ],
)
def test_a_treatment_is_known_again(changed: dict[str, str]):
    assert match_records([TREATMENT], [replace(TREATMENT, content="c2", **changed)], TREATMENT_RULES) == {0: 0}


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "새봄내과의원"},
        {"details": "d2"},
        {"name": "새봄내과의원", "details": "d2"},
        {"day": "2025"},
        {"day": "2025-09-29"},
    ],
)
def test_a_checkup_is_known_again(changed: dict[str, str]):
    assert match_records([CHECKUP], [replace(CHECKUP, content="c2", **changed)], CHECKUP_RULES) == {0: 0}


@pytest.mark.parametrize(
    "other",
    [
        {"day": "2026-03-12"},
        {"day": "2026-03-12", "content": "c1"},
        {"name": "누리약국", "details": "d2", "address": "성북구"},
        {"name": "누리약국", "details": "d2", "kind": "입원"},
        {"name": "누리약국", "details": "d2"},
    ],
)
def test_another_treatment_is_not_taken_for_it(other: dict[str, str]):
    assert match_records([TREATMENT], [replace(TREATMENT, **({"content": "c2"} | other))], TREATMENT_RULES) == {}


def test_a_visit_without_details_is_known_by_its_address():
    visit = replace(TREATMENT, details="")
    assert match_records([visit], [replace(visit, name="한빛내과", content="c2")], TREATMENT_RULES) == {0: 0}


def test_two_records_without_an_address_have_none_in_common():
    one, other = (replace(TREATMENT, name=name, details="", address="", content=name) for name in ("가", "나"))
    assert match_records([one], [other], TREATMENT_RULES) == {}


def test_the_finest_rule_decides_first():
    twin = replace(TREATMENT, counts="1/1/9", content="c9")
    served = [replace(twin, content="c8"), replace(TREATMENT, content="c7")]
    assert match_records([TREATMENT, twin], served, TREATMENT_RULES) == {0: 1, 1: 0}


def test_twins_are_paired_one_to_one_in_any_order():
    twins = [replace(TREATMENT, content=f"c{number}") for number in range(3)]
    served = [replace(TREATMENT, content=f"e{number}") for number in range(2)]
    pairs = match_records(twins, served, TREATMENT_RULES)
    assert sorted(pairs.values()) == [0, 1]
    assert {served[b]: twins[a] for a, b in pairs.items()} == {
        served[::-1][b]: twins[::-1][a] for a, b in match_records(twins[::-1], served[::-1], TREATMENT_RULES).items()
    }


def decide(stored: list[StoredRecord], served: list[Fingerprint], answer: Answer, *earlier: Answer) -> Changes:
    return decide_changes(stored, served, answer=answer, earlier=earlier, rules=TREATMENT_RULES)


def stored_at(moment: datetime, fingerprint: Fingerprint = TREATMENT) -> StoredRecord:
    return StoredRecord(7, fingerprint, moment, moment, None)


def test_a_record_that_a_newer_answer_does_not_hold_is_withdrawn():
    changes = decide([stored_at(FIRST)], [], Answer(SECOND, WINDOW), Answer(FIRST, WINDOW))
    assert [(one.answered_at, one.withdrawn_at) for one in changes.moved] == [(FIRST, SECOND)]
    assert (changes.withdrawn, changes.has_current) == (1, False)


@pytest.mark.parametrize(
    "window", [None, Window(date(2026, 3, 12), date(2026, 9, 1)), Window(date(2025, 1, 1), date(2026, 3, 10))]
)
def test_an_answer_that_is_not_about_a_day_withdraws_nothing_of_it(window: Window | None):
    changes = decide([stored_at(FIRST)], [], Answer(SECOND, window), Answer(FIRST, WINDOW))
    assert (list(changes.moved), changes.has_current) == ([], True)


def test_a_record_comes_back_with_the_answer_that_holds_it_again():
    withdrawn = replace(stored_at(FIRST), withdrawn_at=SECOND)
    changes = decide([withdrawn], [TREATMENT], Answer(THIRD, WINDOW), Answer(FIRST, WINDOW), Answer(SECOND, WINDOW))
    assert [(one.answered_at, one.withdrawn_at) for one in changes.moved] == [(THIRD, None)]
    assert (changes.returned, dict(changes.inserted), dict(changes.replaced)) == (1, {}, {})


def test_an_older_answer_takes_nothing_back_and_what_it_alone_holds_is_withdrawn():
    newer, gone = (
        replace(TREATMENT, address="", content="c2"),
        replace(TREATMENT, name="누리약국", details="d2", address=""),
    )
    changes = decide([stored_at(SECOND, newer)], [TREATMENT, gone], Answer(FIRST, WINDOW), Answer(SECOND, WINDOW))
    assert (dict(changes.replaced), dict(changes.outdated), list(changes.moved)) == ({}, {0: 7}, [])
    assert changes.inserted == {1: SECOND}


def test_the_first_answer_without_it_dates_the_withdrawal_whenever_it_is_imported():
    withdrawn = replace(stored_at(FIRST), withdrawn_at=THIRD)
    changes = decide([withdrawn], [], Answer(SECOND, WINDOW), Answer(FIRST, WINDOW), Answer(THIRD, WINDOW))
    assert [one.withdrawn_at for one in changes.moved] == [SECOND]


def test_an_undated_record_is_withdrawn_by_an_answer_about_all_of_its_window():
    undated = replace(TREATMENT, day="")
    wider, other = Window(date(2025, 1, 1), date(2026, 10, 1)), Window(date(2025, 10, 1), date(2026, 10, 1))
    assert decide([stored_at(FIRST, undated)], [], Answer(SECOND, wider), Answer(FIRST, WINDOW)).withdrawn == 1
    assert decide([stored_at(FIRST, undated)], [], Answer(SECOND, other), Answer(FIRST, WINDOW)).withdrawn == 0


@st.composite
def histories(draw: st.DrawFn, *, with_twins: bool) -> list[tuple[Answer, list[Fingerprint]]]:
    """Answers of one person: of a few records each holds some, in a spelling of its own."""
    known = draw(st.lists(st.sampled_from(RECORDS), min_size=1, max_size=4, unique=not with_twins))
    history = []
    for number in range(draw(st.integers(2, 4))):
        window = draw(st.sampled_from([WINDOW, Window(date(2026, 1, 1), date(2026, 9, 1))]))
        served = [
            replace(record, content=f"c{number}-{place}", address=draw(st.sampled_from(["", "마포구가온로"])))
            for place, record in enumerate(known)
            if window.first <= date.fromisoformat(record.day) and draw(st.booleans())
        ]
        # One that could not be read whole says nothing of what it does not hold.
        is_whole = with_twins or draw(st.booleans())
        history.append((Answer(FIRST + timedelta(days=number), window if is_whole else None), served))
    return history


RECORDS = [
    replace(TREATMENT, day=day, name=name, details=name)
    for day in ("2025-11-02", "2026-03-11")
    for name in ("가", "나")
]


def import_in_order(history: list[tuple[Answer, list[Fingerprint]]]) -> list[StoredRecord]:
    """What is stored after it, as the importer would write it."""
    stored: dict[int, StoredRecord] = {}
    earlier: list[Answer] = []
    for answer, served in history:
        changes = decide(list(stored.values()), served, answer, *earlier)
        earlier.append(answer)
        for place, number in changes.replaced.items():
            stored[number] = replace(stored[number], fingerprint=served[place], content_at=answer.answered_at)
        for one in changes.moved:
            stored[one.id] = replace(stored[one.id], seen_at=one.answered_at, withdrawn_at=one.withdrawn_at)
        for place, withdrawn_at in changes.inserted.items():
            number = len(stored)
            moment = answer.answered_at
            stored[number] = StoredRecord(number, served[place], moment, moment, withdrawn_at)
    return list(stored.values())


def whole(records: list[StoredRecord]) -> list[tuple[object, ...]]:
    return sorted((record.fingerprint, record.seen_at, str(record.withdrawn_at)) for record in records)


def current(records: list[StoredRecord]) -> list[Fingerprint]:
    return sorted(record.fingerprint for record in records if record.withdrawn_at is None)


@given(history=histories(with_twins=False), data=st.data())
def test_several_answers_end_the_same_in_any_order(
    history: list[tuple[Answer, list[Fingerprint]]], data: st.DataObject
):
    assert whole(import_in_order(data.draw(st.permutations(history)))) == whole(import_in_order(history))


@given(history=histories(with_twins=True), data=st.data())
def test_twins_show_the_same_in_any_order(history: list[tuple[Answer, list[Fingerprint]]], data: st.DataObject):
    """Which of two that nothing tells apart was the one that is withdrawn hangs on what was known when it came."""
    assert current(import_in_order(data.draw(st.permutations(history)))) == current(import_in_order(history))
