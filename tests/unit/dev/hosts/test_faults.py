"""What is cut and slow at the moment."""

import pytest

from dev.hosts.faults import NetworkFaults, Slowness

LATE, LATER = Slowness(100), Slowness(300)


def test_a_link_is_cut_both_ways_unless_one_is_asked_for():
    assert NetworkFaults().cut("a", "b").cut_links == {("a", "b"), ("b", "a")}
    assert NetworkFaults().cut("a", "b", one_way=True).cut_links == {("a", "b")}


def test_a_link_is_healed_both_ways_and_alone():
    faults = NetworkFaults().cut("a", "b").cut("a", "c", one_way=True).cut("a")
    assert faults.heal("b", "a") == NetworkFaults(frozenset({"a"}), frozenset({("a", "c")}))


def test_a_host_is_healed_with_all_its_links():
    faults = (
        NetworkFaults()
        .cut("a", "b")
        .cut("c", "a", one_way=True)
        .cut("c", "b", one_way=True)
        .cut("a")
        .slow("a", LATE)
        .slow("c", LATE)
        .slow("a", LATER, "c")
        .slow("b", LATER, "c")
    )
    assert faults.heal("a") == NetworkFaults(
        cut_links=frozenset({("c", "b")}), slow_hosts={"c": LATE}, slow_links={("b", "c"): LATER, ("c", "b"): LATER}
    )


def test_a_slow_link_is_slow_both_ways_and_healed_alone():
    faults = NetworkFaults().slow("a", LATE, "b").slow("a", LATER, "c").slow("b", LATE)
    assert faults.slowed_from("a") == {"b": LATE, "c": LATER}
    assert faults.slowed_from("c") == {"a": LATER}
    assert faults.heal("b", "a") == NetworkFaults().slow("a", LATER, "c").slow("b", LATE)


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        (NetworkFaults(), ""),
        (NetworkFaults().cut("a").slow("a", LATE), "cut, slow"),
        (NetworkFaults().slow("b", LATE, "a"), "slow to b"),
        (NetworkFaults().cut("b", "a", one_way=True), ""),
        (NetworkFaults().cut("a", "b"), "does not reach b"),
    ],
)
def test_a_host_tells_what_is_wrong_with_it(faults: NetworkFaults, said: str):
    assert faults.describe("a") == said
