"""No test sleeps until something must have happened: it waits for that, by tests/waiting.py. Where time shall pass, a
line here says why."""

import ast
from pathlib import Path

from .source import ROOT

_NOTHING = "shows that nothing happens meanwhile"
_UNSEEN = "acts on a wait of which nobody can see that it has begun, and holds in either order"
LETS_TIME_PASS = {
    "tests/end_to_end/browser/test_network_cuts.py": "networks that are cut, and not, for a while",
    "tests/end_to_end/test_key_rotation.py": "a provider's call that lasts",
    "tests/end_to_end/test_lost_redis.py": "a client's pause between its polls",
    "tests/integration/collection/test_webhooks.py": "a receiver that takes as long as it may",
    "tests/integration/delivery/test_delivery.py": "a database and a broker that are slow",
    "tests/integration/relay/app.py": "a decision that takes as long as a test asks",
    "tests/integration/relay/sources.py": "a command that takes as long as a test asks",
    "tests/integration/relay/test_moving.py": "a client comes back when the server has told it to",
    "tests/integration/upstream/test_connection_pool.py": "one turn of the loop",
    "tests/integration/upstream/test_streaming.py": _UNSEEN,
    "tests/unit/relay/test_poller.py": "the turns of gevent's loop, in which what is ready is called",
    "tests/unit/relay/test_pubsub_reader.py": "a process that is kept from running for so long",
    "tests/unit/tasks/test_data_call_preparation.py": _NOTHING,
    "tests/unit/tasks/test_stop_signal.py": _UNSEEN,
    "tests/unit/webapp/test_timed_body.py": "a view that reads its body late, and the turns of gevent's loop",
}


def lets_time_pass(path: Path) -> bool:
    """`sleep`, a `Timer`, or the wait for an event that nobody else has."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        called = ast.unparse(node.func)
        if called.endswith((".sleep", "threading.Timer", "Event().wait")):
            return True
    return False


def test_no_test_sleeps_but_those_with_a_reason():
    found = {str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("*.py") if lets_time_pass(path)}
    assert found == set(LETS_TIME_PASS)
