"""What tc is told."""

from dev.hosts.faults import Slowness
from dev.hosts.queueing import describe_queue, describe_slowness

SLOW = Slowness(delay_ms=70, rate_kbit=64)


def test_where_nothing_is_slow_there_is_no_queue():
    assert describe_queue("eth0", None, {}, can_delay=True) == ()


def test_a_slow_host_delays_whatever_it_sends():
    assert describe_queue("eth0", SLOW, {}, can_delay=True) == (
        "qdisc add dev eth0 root handle 1: htb default 1",
        "class add dev eth0 parent 1: classid 1:1 htb rate 10gbit",
        "qdisc add dev eth0 parent 1:1 netem delay 70ms limit 10000",
    )


def test_a_slow_link_delays_what_is_sent_to_one_address():
    assert describe_queue("eth0", None, {"10.77.0.62": SLOW}, can_delay=False) == (
        "qdisc add dev eth0 root handle 1: htb default 0",
        "class add dev eth0 parent 1: classid 1:2 htb rate 64kbit burst 8kb",
        "filter add dev eth0 parent 1: protocol ip prio 1 u32 match ip dst 10.77.0.62/32 flowid 1:2",
    )


def test_it_says_what_the_kernel_cannot():
    assert describe_slowness(SLOW, can_delay=True) == "70 ms later each way (netem)"
    assert "no netem" in describe_slowness(SLOW, can_delay=False)
