"""What a subscription that catches up may read at once, of the queue that it shares with others."""

from webapp.relay.subscription import QueueBudget

MAX, QUEUES = 1024 * 1024, 200


def test_one_that_catches_up_alone_reads_large_pages():
    assert QueueBudget(MAX, QUEUES).page_max_bytes == MAX // 16


def test_those_that_catch_up_together_leave_nearly_half_to_live_events():
    budget = QueueBudget(MAX, QUEUES)
    for _ in range(30):
        budget.used += budget.page_max_bytes
    assert budget.used < MAX * 0.6
    assert budget.page_max_bytes == MAX // QUEUES


def test_each_has_its_share_however_much_waits():
    budget = QueueBudget(MAX, QUEUES)
    budget.used = 2 * MAX
    assert budget.page_max_bytes == MAX // QUEUES
    assert QueueBudget(MAX, 1).page_max_bytes == MAX
