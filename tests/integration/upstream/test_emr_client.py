"""The client of the hospital's own system over real sockets."""

import json
from uuid import UUID

import pytest

from tests.integration.upstream import peer as peers
from upstream.emr.client import EmrClient
from upstream.emr.errors import EmrMisconfigured, EmrRefused, EmrUnavailable

ENTRY = UUID(int=7)


@pytest.fixture
def emr(peer):
    client = EmrClient(peer.url + "/emr/", timeout_seconds=2)
    yield client
    client.close()


def test_a_thing_is_put_as_it_is_now(peer, emr):
    peer.answer = peers.give_json({})
    emr.put("queue", ENTRY, {"state": "called", "queue_id": ENTRY})
    assert json.loads(peer.bodies[0]) == {"state": "called", "queue_id": str(ENTRY)}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (peers.stay_silent, EmrUnavailable),
        (peers.cut_before_answer, EmrUnavailable),
        (peers.give_json({}, 503), EmrUnavailable),
        (peers.give_json({}, 429), EmrUnavailable),
        (peers.give_json({}, 401), EmrMisconfigured),
        (peers.give_json({}, 404), EmrRefused),
        (peers.give_json({}, 302), EmrRefused),
    ],
)
def test_each_failure_has_its_error_and_one_call(peer, emr, answer, error):
    peer.answer = answer
    with pytest.raises(error):
        emr.put("queue", ENTRY, {})
    assert len(peer.bodies) == 1


def test_a_system_that_is_not_there_is_unavailable():
    with pytest.raises(EmrUnavailable):
        EmrClient("http://127.0.0.1:1").put("queue", ENTRY, {})
