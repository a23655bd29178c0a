"""Counting readers: each limit on its own, and slots that come back."""

import pytest

from core.settings import RelaySettings
from webapp.relay.closing import CloseCode
from webapp.relay.errors import TooManySocketsError
from webapp.relay.registry import ReaderRegistry

LIMITS = RelaySettings(sockets_total=5, sockets_per_address=3, sockets_per_person=4)
MAX_READERS = 2


@pytest.mark.parametrize(
    ("scope", "limit", "names"),
    [
        ("subject", 2, lambda n: ("same", MAX_READERS, str(n), str(n))),
        ("address", 3, lambda n: (str(n), MAX_READERS, "same", str(n))),
        ("person", 4, lambda n: (str(n), MAX_READERS, str(n), "same")),
        ("total", 5, lambda n: (str(n), MAX_READERS, str(n), str(n))),
    ],
)
def test_each_limit_holds_for_itself(scope, limit, names):
    registry = ReaderRegistry(LIMITS)
    for n in range(limit):
        registry.acquire(*names(n))
    with pytest.raises(TooManySocketsError) as caught:
        registry.acquire(*names(limit))
    assert (caught.value.scope, registry.total) == (scope, limit)


def test_a_slot_given_back_can_be_taken_again():
    registry = ReaderRegistry(LIMITS)
    first, _ = registry.acquire("s", 2, "a"), registry.acquire("s", 2, "b")
    first.release()
    first.release()
    registry.acquire("s", 2, "c")
    assert registry.total == 2


def test_a_registry_of_nobody_holds_no_names():
    registry = ReaderRegistry(LIMITS)
    registry.acquire("s", 1, "a", "p").release()
    assert not any(registry._tallies.values())


def test_each_source_has_a_bound_of_its_own():
    registry = ReaderRegistry(LIMITS)
    registry.acquire("narrow", 1, "a")
    with pytest.raises(TooManySocketsError):
        registry.acquire("narrow", 1, "b")
    registry.acquire("wide", 2, "b")


def test_a_socket_of_several_subjects_counts_once_and_each_subject_for_itself():
    registry = ReaderRegistry(LIMITS)
    registry.acquire_connection("a", "p")
    registry.acquire_subject("one", 1).release()
    registry.acquire_subject("one", 1)
    with pytest.raises(TooManySocketsError) as caught:
        registry.acquire("one", 1, "b")
    assert (caught.value.scope, registry.total) == ("subject", 1)


def test_what_fits_at_present_bounds_them_all():
    registry, fitting = ReaderRegistry(LIMITS), 1
    registry.limit_total_by(lambda: fitting)
    registry.acquire("one", 1, "a")
    with pytest.raises(TooManySocketsError) as caught:
        registry.acquire("two", 1, "b")
    fitting = 2
    registry.acquire("two", 1, "b")
    assert caught.value.scope == "total"


def test_a_full_process_says_try_again_and_other_limits_say_too_many():
    assert TooManySocketsError("total").close_code == CloseCode.TRY_AGAIN_LATER
    assert TooManySocketsError("address").close_code == CloseCode.TOO_MANY
