"""What is cut and slow at the moment."""

import pytest

from dev.hosts.faults import NetworkFaults


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
        .slow("a")
        .slow("c")
    )
    assert faults.heal("a") == NetworkFaults(cut_links=frozenset({("c", "b")}), slow_hosts=frozenset({"c"}))


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        (NetworkFaults(), ""),
        (NetworkFaults().cut("a").slow("a"), "cut, slow"),
        (NetworkFaults().cut("b", "a", one_way=True), ""),
        (NetworkFaults().cut("a", "b"), "does not reach b"),
    ],
)
def test_a_host_tells_what_is_wrong_with_it(faults: NetworkFaults, said: str):
    assert faults.describe("a") == said
