"""What is enough to start, and who is too young: decided before anything is stored."""

from datetime import UTC, date, datetime, timedelta

import pytest

from models.patients import ConsentKind
from services.patients.consent_texts import ConsentText
from services.patients.consents import ConsentRequired, Consents, GuardianRequired
from services.patients.identity import Identity, age_on

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TEXTS = {kind: ConsentText(kind, "1", f"{kind}\n\n하는 일: 보여드려요.") for kind in ConsentKind}
CONSENTS = Consents(TEXTS, valid_for=timedelta(days=365), pseudonym_key="a key")
COLLECTING = [kind for kind in ConsentKind if kind != ConsentKind.THIRD_PARTY_MEDIARC]


def born(birthdate: date = date(1984, 5, 17)) -> Identity:
    return Identity(user_name="김하늘", phone_no="01012345678", birthdate=birthdate, gender="M", private_auth_type="0")


@pytest.mark.parametrize("kind", COLLECTING)
def test_each_kind_is_needed_to_collect(kind: ConsentKind):
    others = [other for other in ConsentKind if other != kind]
    with pytest.raises(ConsentRequired) as refused:
        CONSENTS.agree(born(), others, wants_report=False, now=NOW)
    assert (refused.value.missing, refused.value.changed) == ([kind], [])


def test_the_report_needs_its_own_consent_and_the_collection_does_not():
    given = CONSENTS.agree(born(), COLLECTING, wants_report=False, now=NOW)
    assert [text.kind for text in given.texts] == COLLECTING
    with pytest.raises(ConsentRequired) as refused:
        CONSENTS.agree(born(), COLLECTING, wants_report=True, now=NOW)
    assert refused.value.missing == [ConsentKind.THIRD_PARTY_MEDIARC]


def test_agreeing_to_another_text_is_not_agreeing():
    shown = {kind: TEXTS[kind].sha256 for kind in COLLECTING} | {ConsentKind.SENSITIVE: "of yesterday"}
    with pytest.raises(ConsentRequired) as refused:
        CONSENTS.agree(born(), COLLECTING, wants_report=False, now=NOW, shown=shown)
    assert (refused.value.missing, refused.value.changed) == ([ConsentKind.SENSITIVE], [ConsentKind.SENSITIVE])


def test_a_consent_that_ends_at_once_is_none():
    with pytest.raises(ConsentRequired) as refused:
        CONSENTS.agree(born(), COLLECTING, wants_report=False, now=NOW, until=NOW + timedelta(seconds=5))
    assert refused.value.missing == COLLECTING


@pytest.mark.parametrize(
    ("birth_date", "day", "age"),
    [
        (date(2012, 11, 21), date(2026, 11, 20), 13),
        (date(2012, 11, 21), date(2026, 11, 21), 14),
        (date(2012, 2, 29), date(2026, 2, 28), 13),
        (date(2012, 2, 29), date(2026, 3, 1), 14),
        (date(2026, 11, 21), date(2026, 11, 21), 0),
    ],
)
def test_age_grows_on_the_birthday(birth_date: date, day: date, age: int):
    assert age_on(birth_date, day) == age


def test_the_day_that_counts_is_koreas():
    """At 15:00 UTC it is midnight in Seoul."""
    before = datetime(2026, 11, 20, 14, 59, 59, tzinfo=UTC)
    child = born(date(2012, 11, 21))
    with pytest.raises(GuardianRequired):
        CONSENTS.agree(child, list(ConsentKind), wants_report=False, now=before)
    assert CONSENTS.agree(child, list(ConsentKind), wants_report=False, now=before + timedelta(seconds=1))


def test_a_child_is_refused_whatever_was_agreed_to():
    with pytest.raises(GuardianRequired):
        CONSENTS.agree(born(date(2020, 1, 1)), [], wants_report=False, now=NOW)
