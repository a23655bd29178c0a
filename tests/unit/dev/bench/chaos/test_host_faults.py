"""Which links are harmed, and what is done later."""

from dev.bench.chaos.host_cluster import RecordedArrivals
from dev.bench.chaos.host_faults import list_links
from dev.bench.chaos.schedule import Schedule
from dev.hosts.topology import NAMESPACES, HostRole, lay_out

HOSTS = lay_out(NAMESPACES).hosts


def test_the_product_and_each_store_have_links_that_can_be_harmed():
    roles = {frozenset({one.role, other.role}) for one, other in list_links(HOSTS)}
    for product in (HostRole.WORKER, HostRole.WEB):
        for store in (HostRole.POSTGRES, HostRole.VALKEY, HostRole.RABBITMQ, HostRole.OBJECTS):
            assert frozenset({product, store}) in roles


def test_nodes_of_rabbitmq_are_not_cut_from_each_other():
    assert not [pair for pair in list_links(HOSTS) if {host.role for host in pair} == {HostRole.RABBITMQ}]


def test_the_two_postgresql_are_cut_from_each_other():
    assert [pair for pair in list_links(HOSTS) if {host.role for host in pair} == {HostRole.POSTGRES}]


def test_what_is_due_is_done_in_order_and_the_rest_is_left():
    schedule, done = Schedule(), []
    schedule.after(-1, lambda: done.append("second"))
    schedule.after(-2, lambda: done.append("first"))
    schedule.after(60, lambda: done.append("later"))
    assert schedule.run_due()
    assert done == ["first", "second"]


def test_nothing_is_left_when_all_is_done():
    schedule = Schedule()
    schedule.after(-1, lambda: None)
    assert not schedule.run_due()


def test_answers_arrive_when_their_object_is_there(tmp_path):
    record = tmp_path / "writes.log"
    record.write_text(
        "10.5 /welno-files/spool/incoming/a_health_data.raw\n"
        "11.0 /welno-files/spool/pending/a.json\n"
        "12.0 /welno-files/spool/incoming/a_health_data.raw\n"
    )
    assert RecordedArrivals(record).arrived == {"a_health_data.raw": [10.5, 12.0]}


def test_nothing_has_arrived_before_anything_was_written(tmp_path):
    assert RecordedArrivals(tmp_path / "writes.log").arrived == {}
