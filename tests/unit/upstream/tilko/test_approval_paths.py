"""Which call is asked whether a person has approved, as paths of the provider go and come back."""

import pytest

from upstream.tilko.approval_paths import LOOK_AGAIN_SECONDS, ApprovalPath, ApprovalPaths

V2, V1, DATA = ApprovalPath


class Seconds:
    """A monotonic clock that the test moves."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def pass_by(self, seconds):
        self.now += seconds


@pytest.mark.parametrize(
    ("mode", "missing", "chosen"),
    [
        ("auto", [], V2),
        ("auto", [V2], V1),
        ("auto", [V1], V2),
        ("auto", [V2, V1], DATA),
        ("login_check", [V2], V1),
        ("login_check", [V2, V1], V2),
        ("data_call", [], DATA),
    ],
)
def test_the_best_path_that_there_is_gets_asked(mode, missing, chosen):
    paths = ApprovalPaths(mode)
    for path in missing:
        paths.note_missing(path)
    assert paths.choose() is chosen


@pytest.mark.parametrize(("mode", "none_left"), [("auto", False), ("login_check", True)])
def test_where_no_path_is_left_it_says_so(mode, none_left):
    paths = ApprovalPaths(mode)
    assert not paths.all_missing
    paths.note_missing(V2)
    paths.note_missing(V1)
    assert paths.all_missing is none_left


def test_a_path_that_came_back_is_found_by_one_who_looks_again():
    seconds = Seconds()
    paths = ApprovalPaths("auto", seconds)
    paths.note_missing(V2)
    seconds.pass_by(LOOK_AGAIN_SECONDS + 1)
    assert [paths.choose() for _ in range(3)] == [V2, V1, V1]
    paths.note_present(V2)
    assert paths.choose() is V2


def test_a_path_that_stays_away_is_looked_for_again_and_again():
    seconds = Seconds()
    paths = ApprovalPaths("auto", seconds)
    assert paths.note_missing(V2)
    for _ in range(3):
        seconds.pass_by(LOOK_AGAIN_SECONDS + 1)
        assert paths.choose() is V2
        assert not paths.note_missing(V2)
        assert paths.choose() is V1
