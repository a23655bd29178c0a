"""Going round: everybody once in a period, an even share with each tick."""

import pytest

from webapp.relay.rounds import Members, Round


class Member:
    def __init__(self, number: int) -> None:
        self.number = number
        self.visits = 0


@pytest.fixture
def members():
    members = Members()
    for number in range(1000):
        members.add(Member(number))
    return members


def visit(members, period, seconds, begins_at=100.0, tick=0.25):
    """How many were visited with each tick."""
    going, counts = Round(members, period, begins_at), []
    for step in range(1, round(seconds / tick) + 1):
        due = list(going.due(100.0 + step * tick))
        for member in due:
            member.visits += 1
        counts.append(len(due))
    return counts


@pytest.mark.parametrize("period", [1, 7.5, 30, 55])
def test_everybody_is_visited_once_in_a_period(members, period):
    visit(members, period, 4 * period)
    assert {member.visits for member in members} <= {3, 4}


def test_each_tick_has_its_share(members):
    assert max(visit(members, 30, 60)) <= 1000 / 30 * 0.25 + 8


def test_a_round_that_begins_later_visits_nobody_before(members):
    counts = visit(members, 10, 10, begins_at=105.0)
    assert (sum(counts[:20]), sum(counts)) == (0, 512)  # of 256 buckets one half


def test_after_a_standstill_everybody_is_due_once(members):
    going = Round(members, 10, 100.0)
    assert len(list(going.due(1000.0))) == 1000
    assert not list(going.due(1000.0))


def test_who_leaves_while_others_are_visited_harms_nobody(members):
    for member in members:
        members.remove(member)
    assert (len(members), list(members)) == (0, [])


def test_members_that_share_a_number_are_told_apart():
    members = Members()
    first, second = Member(1), Member(1)
    members.add(first)
    members.add(second)
    members.remove(first)
    assert list(members) == [second]
