"""What the body of a request may hold, and what is told of what it may not."""

import time

import pytest

from webapp.json_reader import DEPTH_MAX, JsonFault, UnreadableJson, is_too_deep, read_json, read_json_of_many


def fault_of(data: bytes) -> tuple[JsonFault, str]:
    with pytest.raises(UnreadableJson) as raised:
        read_json(data)
    return raised.value.fault, raised.value.field


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ('{"a": [1, -2.5, 1e3, true, null, "가"]}', {"a": [1, -2.5, 1000.0, True, None, "가"]}),
        ('{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
        ('{"a": "[[[[[[[[[[[[[[[[[[[[[[["}', {"a": "[" * 23}),
        ('{"a": "\\"[[[[[[[[[[[[[[[[[[[[[["}', {"a": '"' + "[" * 22}),
        ("[" * DEPTH_MAX + "]" * DEPTH_MAX, None),
        (f'{{"a": {2**63 - 1}}}', {"a": 2**63 - 1}),
    ],
)
def test_ordinary_json_is_read(text: str, content: object):
    assert content is None or read_json(text.encode()) == content
    read_json(text.encode())


@pytest.mark.parametrize(
    ("data", "fault", "field"),
    [
        (b"", JsonFault.NOT_JSON, "body"),
        (b'{"a": "\xff"}', JsonFault.NOT_JSON, "body"),
        (b"\xef\xbb\xbf{}", JsonFault.NOT_JSON, "body"),
        (b'{"a": "\x01"}', JsonFault.NOT_JSON, "body"),
        (b"{} {}", JsonFault.NOT_JSON, "body"),
        (b'{"a":' * 1000 + b"1" + b"}" * 1000, JsonFault.TOO_DEEP, "body"),
        (b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1), JsonFault.TOO_DEEP, "body"),
        (b"[" * 60_000, JsonFault.TOO_DEEP, "body"),
        (b'{"a": ' + b"9" * 4300 + b"}", JsonFault.NUMBER, "body"),
        (b'{"a": 1e999}', JsonFault.NUMBER, "body"),
        (b'{"a": 1' + b"0" * 60_000 + b".5}", JsonFault.NUMBER, "body"),
        (b'{"a": NaN}', JsonFault.NOT_A_NUMBER, "body"),
        (b'{"a": -Infinity}', JsonFault.NOT_A_NUMBER, "body"),
        (b'{"a": 1, "a": 2}', JsonFault.TWICE, "body"),
        (b'{"a": {"b": 1, "\\u0062": 2}}', JsonFault.TWICE, "body"),
        (b'{"a": "\\ud83c"}', JsonFault.CHARACTER, "a"),
        (b'{"a": [{"b": "\\u0000"}]}', JsonFault.CHARACTER, "a"),
        (b'{"a": {"\\udc00": 1}}', JsonFault.CHARACTER, "a"),
        (b'{"\\u0000": 1}', JsonFault.CHARACTER, "body"),
        (b'["\\u0000"]', JsonFault.CHARACTER, "body"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_no_reader_should_take_is_named(data: bytes, fault: JsonFault, field: str):
    assert fault_of(data) == (fault, field)


@pytest.mark.parametrize("text", ['"' + '\\"' * 30_000, '"\\' * 30_000, '["' * 30_000, '{"a":[' * 10_000 + '"\\'])
def test_the_depth_is_counted_in_one_go(text: str):
    began = time.process_time()
    is_too_deep("[" * DEPTH_MAX + "]" * DEPTH_MAX + text)
    assert time.process_time() - began < 0.5


def test_of_many_what_cannot_be_taken_is_none_in_its_place():
    data = b'[1, 1e999, NaN, {"a": 1, "a": 2}, {"b": [%b, "\\u0000"]}]' % (b"9" * 30)
    assert read_json_of_many(data) == [1, None, None, None, {"b": [None, "\x00"]}]


@pytest.mark.parametrize("data", [b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1), b"{", b"\xff", b'{"a": "\x01"}'])
def test_of_many_what_is_no_json_or_too_deep_is_refused(data: bytes):
    with pytest.raises(UnreadableJson):
        read_json_of_many(data)
