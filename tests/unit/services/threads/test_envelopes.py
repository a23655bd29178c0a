"""The shape of an envelope: whatever is unknown, missing or malformed makes it none."""

from typing import Any

import pytest

from services.threads.envelopes import Envelope
from tests.thread_devices import ClientDevice

THREAD = "T7lrKBkm1wo2LIrUFz5v2g"
ENVELOPE = ClientDevice("staff:nurse.kim").envelope(THREAD, "k1", bytes(32))
ENC = ENVELOPE["enc"]


def test_the_shape_that_is_wanted_is_taken():
    assert Envelope.read(ENVELOPE) is not None


@pytest.mark.parametrize("name", ENVELOPE)
def test_a_missing_field_makes_it_none(name: str):
    assert Envelope.read({key: value for key, value in ENVELOPE.items() if key != name}) is None


@pytest.mark.parametrize("name", ENVELOPE)
@pytest.mark.parametrize("value", [None, True, 0, 1.0, "", "!" * 200, [], {}, {"alg": []}, [[]]], ids=str)
def test_a_field_of_a_wrong_kind_makes_it_none(name: str, value: Any):
    assert Envelope.read(ENVELOPE | {name: value}) is None


@pytest.mark.parametrize(
    "change",
    [
        {"seq": 1},
        {"v": 2},
        {"v": True},
        {"threadId": THREAD[:-1]},
        {"threadId": THREAD[:-1] + "h"},  # unused bits that are not 0
        {"dedupeId": ENVELOPE["dedupeId"].upper().replace("0", "A")},
        {"clientId": ENVELOPE["clientId"] + "\n"},
        {"clientSeq": 2**53},
        {"clientSeq": -1},
        {"kind": "Data"},
        {"kind": "1data"},
        {"kind": "d" * 33},
        {"contentType": "text/plain; charset=utf-8"},
        {"contentType": "text"},
        {"contentType": "a/" + "b" * 99},
        {"createdAt": "2026-11-25T08:00:00Z"},
        {"createdAt": "2026-11-25T08:00:00.000+00:00"},
        {"createdAt": "2026-02-30T08:00:00.000Z"},
        {"createdAt": "2026-11-25T25:00:00.000Z"},
        {"enc": ENC | {"alg": "A128GCM"}},
        {"enc": ENC | {"kid": "k0"}},
        {"enc": ENC | {"kid": "k01"}},
        {"enc": ENC | {"iv": ENC["iv"] + "AA"}},
        {"enc": ENC | {"more": 1}},
        {"payload": ENVELOPE["payload"] + "="},
        {"payload": "AAAA"},
        {"payloadHash": ENVELOPE["payloadHash"].upper()},
        {"sig": ENVELOPE["sig"][:-2]},
    ],
    ids="-".join,  # the same in every process, which random values are not
)
def test_a_malformed_field_makes_it_none(change: dict[str, Any]):
    assert Envelope.read(ENVELOPE | change) is None


@pytest.mark.parametrize("value", [None, 1, "x", [ENVELOPE], {}])
def test_what_is_no_object_is_none(value: Any):
    assert Envelope.read(value) is None
