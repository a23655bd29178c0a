"""Keys of any subject: one hash tag each, and none that breaks it."""

import pytest
from redis.crc import key_slot

from streams import InvalidEventError
from streams.keys import channel, log_key, meta_key, subject_of, subject_of_key

SUBJECTS = ["tilko_session:7f", "patient:7f", "queue:collection", "project:p 1", "thread:스레드", "a:b:c"]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_all_keys_of_a_subject_share_the_slot_of_its_name(subject):
    keys = [subject, log_key(subject), meta_key(subject), channel(subject)]
    assert len(set(keys)) == 4
    assert len({key_slot(key.encode()) for key in keys}) == 1


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_channel_tells_its_subject(subject):
    assert subject_of(channel(subject)) == subject


@pytest.mark.parametrize("subject", ["", "{x}", "x{", "a}b"])
def test_a_subject_that_would_scatter_its_keys_is_refused(subject):
    with pytest.raises(InvalidEventError):
        log_key(subject)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_subject_is_found_in_the_keys_of_its_stream_and_its_projection(subject: str):
    assert {subject_of_key(key) for key in (log_key(subject), meta_key(subject), subject)} == {subject}


@pytest.mark.parametrize("key", ["", "stream:{", "stream:{one}:pub", "LIMITS:LIMITER/stream:{one}:log"])
def test_any_other_key_is_taken_for_itself(key: str):
    assert subject_of_key(key) == key
