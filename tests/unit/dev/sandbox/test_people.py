"""Who is known, and what differs."""

import pytest

from dev.sandbox.people import SEED_PEOPLE, People, Person


def test_the_seed_people_cover_the_special_cases():
    assert any(person.checkups == 0 for person in SEED_PEOPLE)
    assert any(person.checkups is None for person in SEED_PEOPLE)
    assert any(person.authenticators == ("0",) for person in SEED_PEOPLE)
    assert any((person.prescriptions or 0) > 300 for person in SEED_PEOPLE)
    assert any(person.auto_decline_seconds for person in SEED_PEOPLE)


def test_the_seed_people_are_all_different():
    assert len({person.phone_no for person in SEED_PEOPLE}) == len(SEED_PEOPLE)


@pytest.mark.parametrize(
    ("given", "differs"),
    [
        (("김하눌", "19840517", "01000000001"), "name"),
        (("김하늘", "19840518", "01000000001"), "birth"),
        (("김하늘", "19840517", "01000000009"), "phone"),
        (("아무개", "19000101", "01000000001"), "everything"),
    ],
)
def test_says_which_single_field_differs(given, differs):
    assert People().what_differs(*given) == differs


def test_a_person_with_the_same_identity_replaces_the_first():
    people = People()
    people.add(Person("김하늘", "19840517", "01000000001", "M", checkups=1))
    assert people.find("김하늘", "19840517", "01000000001").checkups == 1
