"""Whoever follows something by their own clock hears at once that it has changed."""

from pathlib import Path

import pytest
import redis

from dev.local.valkey import EmbeddedValkey
from streams import StreamsUnavailable
from streams.wake import WakeChannel


def test_a_listener_hears_each_name_in_order(redis_client: redis.Redis):
    channel = WakeChannel(redis_client)
    with channel.listen() as listener:
        assert channel.wake("exam:one")
        assert channel.wake("exam:two")
        assert [listener.next_name(5), listener.next_name(5), listener.next_name(0.01)] == [
            "exam:one",
            "exam:two",
            None,
        ]


def test_without_redis_the_waker_goes_on_and_the_listener_is_told(tmp_path: Path):
    with EmbeddedValkey(tmp_path, appendonly=False) as server, redis.Redis.from_url(server.url) as client:
        channel = WakeChannel(client)
        with channel.listen() as listener:
            server.kill()
            assert not channel.wake("exam:one")
            with pytest.raises(StreamsUnavailable):
                listener.next_name(5)
