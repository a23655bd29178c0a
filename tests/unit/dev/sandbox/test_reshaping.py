"""An answer is changed as a test asks, and nothing that it does not ask for."""

import gzip

import pytest

from dev.sandbox.errors import BadInputError
from dev.sandbox.replies import JSON, Reply
from dev.sandbox.reshaping import read_reshaping

REPLY = Reply(200, (b'{"Location": "', "한빛".encode(), b'"}'), JSON)


def apply(**what):
    return read_reshaping(what).apply(REPLY, {"X-A": "b"})


def test_everything_is_applied_in_its_order():
    reply = apply(replace=[["한빛", "새봄"]], charset="cp949", prefix="77u/", suffix="IA==", coding=["gzip", "gzip"])
    body = gzip.decompress(gzip.decompress(reply.parts[0]))
    assert body == b"\xef\xbb\xbf" + '{"Location": "새봄"}'.encode("cp949") + b" "
    assert reply.headers == {"X-A": "b", "Content-Encoding": "gzip, gzip"}


def test_an_answer_can_be_cut_short():
    assert apply(truncate=5).parts == (b'{"Loc',)


@pytest.mark.parametrize("what", [{}, {"colour": "red"}, {"coding": ["br"]}, {"charset": "koi8"}, {"prefix": "%"}])
def test_what_cannot_be_done_is_refused(what):
    with pytest.raises(BadInputError):
        read_reshaping(what)
