"""Which server is promoted, and when none is."""

from dataclasses import replace

import pytest

from dev.local.programs import ROOT
from services.failover import FailoverError, Server, choose_candidate, predecessors
from services.primaries import TIMELINE

PRIMARY = Server("a:1", is_standby=False, is_fenced=False, timeline=1, position=900)
STANDBY = Server("b:2", is_standby=True, is_fenced=False, timeline=1, position=900)
BEHIND = replace(STANDBY, address="c:3", position=800)
FENCED = replace(PRIMARY, is_fenced=True)
HALF_PROMOTED = replace(PRIMARY, address="b:2", is_fenced=True, timeline=2)


@pytest.mark.parametrize(
    ("servers", "chosen"),
    [
        ([STANDBY], STANDBY),
        ([BEHIND, STANDBY], STANDBY),
        ([HALF_PROMOTED], HALF_PROMOTED),
        ([HALF_PROMOTED, BEHIND], HALF_PROMOTED),
        ([FENCED, HALF_PROMOTED], HALF_PROMOTED),
        ([FENCED, STANDBY], STANDBY),
        ([FENCED], FENCED),
    ],
)
def test_who_has_most_is_promoted_and_what_was_cut_short_is_finished(servers: list[Server], chosen: Server):
    assert choose_candidate(servers) is chosen


@pytest.mark.parametrize(
    ("servers", "why"),
    [
        ([], "no standby answers"),
        ([PRIMARY], "a:1 takes writes"),
        ([PRIMARY, STANDBY], "a:1 takes writes"),
        ([replace(STANDBY, hears_primary=True)], "b:2 still hears a primary"),
        ([FENCED, replace(STANDBY, hears_primary=True)], "b:2 still hears a primary"),
        ([PRIMARY, replace(PRIMARY, address="b:2", timeline=2)], r"a:1 and b:2 take writes.*not b:2"),
    ],
)
def test_nobody_is_promoted_beside_a_primary(servers: list[Server], why: str):
    with pytest.raises(FailoverError, match=why):
        choose_candidate(servers)


def test_a_primary_that_is_left_is_followed_by_a_standby_only():
    hearing = replace(STANDBY, hears_primary=True)
    for primary in (PRIMARY, FENCED):
        assert choose_candidate([primary, BEHIND, hearing], switch_over=True) is hearing
        assert predecessors([primary, BEHIND, hearing], hearing) == [primary]
    with pytest.raises(FailoverError, match="no standby answers"):
        choose_candidate([PRIMARY, FENCED], switch_over=True)


def test_a_primary_that_only_the_standby_hears_is_left_by_force():
    hearing = replace(STANDBY, hears_primary=True)
    assert choose_candidate([hearing], force=True) is hearing
    with pytest.raises(FailoverError, match="still hears"):
        choose_candidate([hearing], switch_over=True)


def test_nothing_is_to_be_had_from_a_primary_of_an_earlier_timeline():
    assert predecessors([FENCED, HALF_PROMOTED], HALF_PROMOTED) == []


def test_two_primaries_are_never_chosen_between():
    with pytest.raises(FailoverError):
        choose_candidate([PRIMARY, replace(PRIMARY, address="b:2")], switch_over=True, force=True)


def test_the_guard_of_the_old_primary_asks_for_the_same_timeline():
    """A shell script, which cannot import it."""
    assert TIMELINE in (ROOT / "docs" / "deploy" / "postgresql" / "refuse-old-primary").read_text("utf-8")
