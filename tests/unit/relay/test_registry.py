"""Counting readers: each limit on its own, and places that come back."""

import pytest

from webapp.relay.closing import CloseCode
from webapp.relay.errors import TooManySocketsError
from webapp.relay.limits import RelayLimits
from webapp.relay.registry import ReaderRegistry

LIMITS = RelayLimits(sockets_total=5, sockets_per_subject=2, sockets_per_address=3, sockets_per_person=4)


@pytest.mark.parametrize(
    ("scope", "limit", "names"),
    [
        ("subject", 2, lambda n: ("same", str(n), str(n))),
        ("address", 3, lambda n: (str(n), "same", str(n))),
        ("person", 4, lambda n: (str(n), str(n), "same")),
        ("total", 5, lambda n: (str(n), str(n), str(n))),
    ],
)
def test_each_limit_holds_for_itself(scope, limit, names):
    registry = ReaderRegistry(LIMITS)
    for n in range(limit):
        registry.acquire(*names(n))
    with pytest.raises(TooManySocketsError) as caught:
        registry.acquire(*names(limit))
    assert (caught.value.scope, registry.total) == (scope, limit)


def test_a_place_given_back_can_be_taken_again():
    registry = ReaderRegistry(LIMITS)
    first, _ = registry.acquire("s", "a"), registry.acquire("s", "b")
    first.release()
    first.release()
    registry.acquire("s", "c")
    assert registry.total == 2


def test_a_registry_of_nobody_holds_no_names():
    registry = ReaderRegistry(LIMITS)
    registry.acquire("s", "a", "p").release()
    assert not registry._counts


def test_a_full_process_says_try_again_and_other_limits_say_too_many():
    assert TooManySocketsError("total").close_code == CloseCode.TRY_AGAIN_LATER
    assert TooManySocketsError("address").close_code == CloseCode.TOO_MANY
