"""An S3 over HTTP, and clients of it that die, are refused or lose a reply at a chosen call."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError
from moto.server import ThreadedMotoServer

from core.clock import Clock
from spool import AnswerKind, Folder, Spool
from spool.bucket import LEASES, SpoolBucket
from spool.names import TEMPORARY_PREFIX, read_incoming_name, read_name
from spool.objects import BucketAddress, connect_bucket
from tests.integration.spool.actions import RAW
from tests.integration.spool.conftest import SEALER, SESSION, package
from tests.integration.spool.disks import Crash

BUCKET = "welno-files"
KEYS = {"AWS_ACCESS_KEY_ID": "invented", "AWS_SECRET_ACCESS_KEY": "invented", "AWS_DEFAULT_REGION": "ap-northeast-2"}


@contextmanager
def run_server() -> Iterator[str]:
    """Its URL; other processes may use it too. AWS' variables must name some credentials."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        client = connect_bucket(BucketAddress(BUCKET, endpoint_url=url))
        with suppress(client.exceptions.BucketAlreadyOwnedByYou):  # its objects are this process' own
            client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"})
        yield url
    finally:
        server.stop()


class WatchedClient:
    """Counts the calls of one client; subclasses step in."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.made: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            self.made.append(name)
            self.before(name)
            answer = getattr(self._client, name)(**arguments)
            self.after(name)
            return answer

        return call

    def before(self, name: str) -> None:
        pass

    def after(self, name: str) -> None:
        pass


class CrashingClient(WatchedClient):
    """Its process is gone before the call number `at`."""

    def __init__(self, client: Any, at: int) -> None:
        super().__init__(client)
        self._at = at

    def before(self, name: str) -> None:
        if len(self.made) >= self._at:
            raise Crash


class RefusedClient(WatchedClient):
    """The call number `at`, or with `lasting` each from it on, is refused with this code."""

    def __init__(self, client: Any, at: int, code: str, status: int, *, lasting: bool = False) -> None:
        super().__init__(client)
        self._at, self._code, self._status, self._lasting = at, code, status, lasting

    def before(self, name: str) -> None:
        if len(self.made) == self._at or (self._lasting and len(self.made) > self._at):
            self.refuse(name)

    def refuse(self, name: str) -> None:
        raise ClientError({"Error": {"Code": self._code}, "ResponseMetadata": {"HTTPStatusCode": self._status}}, name)


class LostReplyClient(WatchedClient):
    """The call number `at` is done, and its answer lost."""

    def __init__(self, client: Any, at: int) -> None:
        super().__init__(client)
        self._at = at

    def after(self, name: str) -> None:
        if len(self.made) == self._at:
            raise ReadTimeoutError(endpoint_url=name)


class Bucket:
    """One prefix of the bucket, as nobody of the product looks at it."""

    def __init__(self, url: str, prefix: str) -> None:
        self.address = BucketAddress(BUCKET, prefix, endpoint_url=url)
        self.client = connect_bucket(self.address)

    def engine(self, client: Any = None, **options: Any) -> SpoolBucket:
        return SpoolBucket(client or self.client, self.address, **options)

    def spool(self, clock: Clock, client: Any = None) -> Spool:
        return Spool(self.engine(client), SEALER, clock)

    def all_keys(self) -> list[str]:
        """Without the prefix."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{self.address.prefix}/")
        found = [one["Key"] for page in pages for one in page.get("Contents", ())]
        return sorted(key.removeprefix(f"{self.address.prefix}/") for key in found)

    def content(self, key: str) -> bytes:
        return self.client.get_object(Bucket=BUCKET, Key=f"{self.address.prefix}/{key}")["Body"].read()

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=f"{self.address.prefix}/{key}", Body=content)

    def files(self) -> list[str]:
        """Data files, as `files_in` a folder."""
        return [key for key in self.all_keys() if key[0] != "." and _is_file(key.rpartition("/")[2])]

    def temporaries(self) -> list[str]:
        return [key for key in self.all_keys() if key.rpartition("/")[2].startswith(TEMPORARY_PREFIX)]

    def expire_leases(self) -> None:
        """As their time does when their holder is gone."""
        for key in self.all_keys():
            if key.startswith(f"{LEASES}/"):
                self.client.delete_object(Bucket=BUCKET, Key=f"{self.address.prefix}/{key}")

    def read_every_file(self, spool: Spool) -> None:
        """Whole or absent: whatever bears a name opens, and holds what was saved."""
        for key in self.files():
            folder, name = key.split("/")[0], key.rpartition("/")[2]
            if folder == Folder.INCOMING:
                assert spool.read_incoming(SESSION, AnswerKind.HEALTH).body == RAW
            elif name.endswith(".json"):
                assert spool.export(name).raw_data == package().raw_data


def _is_file(name: str) -> bool:
    return bool(read_name(name) or read_incoming_name(name))
