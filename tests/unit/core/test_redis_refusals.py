"""Which of Redis' errors say that the server refuses as a whole."""

import pytest
from kombu.exceptions import OperationalError

# The class that parses the answers of every client of redis-py.
from redis._parsers.base import BaseParser
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError

from core.redis_refusals import refusal


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ("READONLY You can't write against a read only replica.", "read only"),
        ("LOADING Valkey is loading the dataset in memory", "loading"),
        ("OOM command not allowed when used memory > 'maxmemory'.", "out of memory"),
        ("UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)", "demoted"),
        ("MISCONF Errors writing to the AOF file: No space left on device", "cannot save"),
        ("NOREPLICAS Not enough good replicas to write.", "too few replicas"),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", None),
        ("NOSCRIPT No matching script.", None),
        ("ERR unknown command 'X'", None),
    ],
)
def test_a_refusal_is_told_by_its_code(answer: str, word: str | None):
    assert refusal(BaseParser.parse_error(answer)) == word


def test_a_refusal_is_found_below_what_wraps_it():
    wrapping = OperationalError("publishing failed")
    wrapping.__cause__ = BaseParser.parse_error("READONLY You can't write against a read only replica.")
    assert refusal(wrapping) == "read only"


@pytest.mark.parametrize("error", [RedisConnectionError("gone"), ResponseError(""), RedisError(), OSError("LOADING")])
def test_other_errors_are_no_refusals(error: Exception):
    assert refusal(error) is None
