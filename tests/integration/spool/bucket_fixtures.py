"""A bucket of a server that runs for all tests of this process."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.integration.spool.buckets import KEYS, Bucket, run_server


@pytest.fixture(scope="session")
def bucket_url() -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in KEYS.items():
            patch.setenv(name, value)
        with run_server() as url:
            yield url


@pytest.fixture
def bucket(bucket_url: str) -> Bucket:
    """A prefix that no other test uses."""
    return Bucket(bucket_url, uuid4().hex)
