"""Calls on one bucket through boto3, each a single request whose refusal is an OSError with a reason.

A missing key raises FileNotFoundError; a bucket that is missing never does, or nothing would seem to have been kept.
"""

import random
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, NoCredentialsError
from botocore.exceptions import ConnectionError as ConnectionRefused
from urllib3.exceptions import HTTPError

_WRITTEN_AT = "written-at"
_ATTEMPTS = 3
_LISTED = 1000
# Between the tries of a write that met another of the same key.
_CONFLICT_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
_REASONS = {
    "NoSuchBucket": "missing",
    "QuotaExceeded": "disk_full",
    "XMinioStorageFull": "disk_full",
    "XMinioAdminBucketQuotaExceeded": "disk_full",
    "InsufficientCapacity": "disk_full",
    "SlowDown": "throttled",
    "ServiceUnavailable": "unreachable",
}
_STATUS_REASONS = {401: "access_denied", 403: "access_denied", 507: "disk_full", 503: "unreachable"}


class BucketRefused(OSError):
    """`reason` is a short code for people and metrics."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class PreconditionMissed(Exception):
    """Somebody else has written, or removed, the object meanwhile."""


class WriteConflict(Exception):
    """Another conditional write of the same key was under way: which of both is done, only asking again tells."""


@dataclass(frozen=True)
class BucketAddress:
    """`endpoint_url` None: AWS' own of the region. Each of at most three attempts takes `timeout_seconds` to connect,
    and as long for each pause in an answer."""

    bucket: str
    prefix: str = ""
    endpoint_url: str | None = None
    timeout_seconds: float = 10


@dataclass(frozen=True)
class ObjectStatus:
    """`answered_at` and `changed_at` are both by the server's clock."""

    etag: str
    size_bytes: int
    written_at: float
    changed_at: datetime
    answered_at: datetime


class ObjectReader:
    def __init__(self, body: Any) -> None:
        self._body = body

    def read(self, size: int) -> bytes:
        with refusals():
            part: bytes = self._body.read(size)
            return part


def connect_bucket(address: BucketAddress) -> Any:
    """Credentials are found by boto3's own chain: environment, files, the machine's role."""
    config = Config(
        connect_timeout=address.timeout_seconds,
        read_timeout=address.timeout_seconds,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        max_pool_connections=128,
    )
    return boto3.session.Session().client("s3", endpoint_url=address.endpoint_url, config=config)


class ClientOfThread:
    """boto3's clients may be shared by threads. Where gevent has patched a process, a connection belongs to the loop of
    the thread that opened it: there each thread of the system has a client of its own."""

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        gevent = sys.modules.get("gevent.monkey")
        self._is_cooperative = gevent is not None and gevent.is_module_patched("socket")
        # Patched, `threading.local` is a greenlet's own.
        local = gevent.get_original("threading", "local") if gevent is not None else threading.local
        self._here = local()
        self._shared: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own() if self._is_cooperative else self._common(), name)

    def _own(self) -> Any:
        if getattr(self._here, "client", None) is None:
            self._here.client = self._connect()
        return self._here.client

    def _common(self) -> Any:
        if self._shared is None:
            with self._lock:
                self._shared = self._shared or self._connect()
        return self._shared


class Objects:
    """Safe to share between threads, as far as its client is."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(
        self, key: str, data: bytes, seconds: float = 0, *, is_new: bool = False, if_etag: str | None = None
    ) -> str:
        """Its ETag. Whole or absent, and durable once this returns. Raises PreconditionMissed."""
        for pause in _CONFLICT_PAUSES:
            try:
                return self._put_once(key, data, seconds, is_new=is_new, if_etag=if_etag)
            except WriteConflict:
                # Not a secret: the spread keeps both from meeting again.
                threading.Event().wait(pause * random.uniform(0.5, 1.5))  # noqa: S311
        try:
            return self._put_once(key, data, seconds, is_new=is_new, if_etag=if_etag)
        except WriteConflict:
            self._require_unchanged(key, if_etag)
            raise BucketRefused("busy") from None

    def _put_once(self, key: str, data: bytes, seconds: float, *, is_new: bool, if_etag: str | None) -> str:
        condition = {"IfNoneMatch": "*"} if is_new else {"IfMatch": if_etag} if if_etag else {}
        with refusals(is_conditional=bool(condition)):
            stored = self._client.put_object(
                Bucket=self._bucket, Key=key, Body=data, Metadata={_WRITTEN_AT: repr(seconds)}, **condition
            )
        return str(stored["ETag"])

    def _require_unchanged(self, key: str, etag: str | None) -> None:
        """Whether a write of which the store did not decide is still to be made. Raises PreconditionMissed."""
        try:
            found = self.status(key).etag
        except FileNotFoundError:
            found = None
        if found != etag:
            raise PreconditionMissed("WriteConflict")

    @contextmanager
    def open(self, key: str) -> Iterator[ObjectReader]:
        with refusals():
            body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
        try:
            yield ObjectReader(body)
        finally:
            body.close()

    def read_beginning(self, key: str, size: int) -> tuple[bytes, ObjectStatus]:
        """By a GET, since the reply to a HEAD does not tell a missing key from a missing bucket."""
        with refusals():
            try:
                found = self._client.get_object(Bucket=self._bucket, Key=key, Range=f"bytes=0-{size - 1}")
            except ClientError as exc:
                if _code_of(exc) != "InvalidRange":
                    raise
                found = self._client.get_object(Bucket=self._bucket, Key=key)  # it is empty
            with found["Body"] as body:
                beginning = body.read()
        return beginning, _status_of(found)

    def status(self, key: str) -> ObjectStatus:
        return self.read_beginning(key, 1)[1]

    def copy(self, source: str, target: str) -> None:
        """With its metadata; whole or absent."""
        with refusals():
            self._client.copy_object(
                Bucket=self._bucket, Key=target, CopySource={"Bucket": self._bucket, "Key": source}
            )

    def delete(self, key: str) -> None:
        """One that is not there is no fault."""
        with refusals():
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def delete_all(self, keys: Sequence[str]) -> None:
        """A thousand in each request."""
        for first in range(0, len(keys), _LISTED):
            wanted = [{"Key": key} for key in keys[first : first + _LISTED]]
            with refusals():
                answer = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": wanted, "Quiet": True})
            if refused := answer.get("Errors"):
                raise BucketRefused(_REASONS.get(refused[0].get("Code")) or "access_denied")

    def names(self, prefix: str, *, deep: bool = False) -> Iterator[tuple[str, datetime | None]]:
        """What comes after the prefix, up to the next slash or, `deep`, to its end; with the time of change where that
        is an object."""
        token: dict[str, str] = {} if deep else {"Delimiter": "/"}
        while True:
            with refusals():
                page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix, **token)
            for found in page.get("CommonPrefixes", ()):
                yield found["Prefix"][len(prefix) : -1], None
            for found in page.get("Contents", ()):
                if name := found["Key"][len(prefix) :]:  # consoles make an empty object for a folder
                    yield name, found["LastModified"]
            if not page.get("IsTruncated"):
                return
            token["ContinuationToken"] = page["NextContinuationToken"]

    # Uploads in parts

    def begin_upload(self, key: str, seconds: float) -> str:
        with refusals():
            begun = self._client.create_multipart_upload(
                Bucket=self._bucket, Key=key, Metadata={_WRITTEN_AT: repr(seconds)}
            )
        return str(begun["UploadId"])

    def upload_part(self, key: str, upload_id: str, number: int, data: bytes) -> dict[str, Any]:
        with refusals():
            stored = self._client.upload_part(
                Bucket=self._bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=data
            )
        return {"PartNumber": number, "ETag": stored["ETag"]}

    def complete_upload(self, key: str, upload_id: str, parts: list[dict[str, Any]]) -> None:
        with refusals():
            self._client.complete_multipart_upload(
                Bucket=self._bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": parts}
            )

    def abort_upload(self, key: str, upload_id: str) -> None:
        with refusals(), suppress(FileNotFoundError):
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id)


@contextmanager
def refusals(*, is_conditional: bool = False) -> Iterator[None]:
    try:
        yield
    except ClientError as exc:
        raise _refusal(exc, is_conditional=is_conditional) from exc
    except NoCredentialsError as exc:
        raise BucketRefused("access_denied") from exc
    except (ConnectionRefused, HTTPClientError, HTTPError, TimeoutError) as exc:
        raise BucketRefused("unreachable") from exc
    except BotoCoreError as exc:
        raise BucketRefused("io_error") from exc


def _refusal(error: ClientError, *, is_conditional: bool) -> Exception:
    code, status = _code_of(error), error.response["ResponseMetadata"]["HTTPStatusCode"]
    if is_conditional and status == HTTPStatus.CONFLICT:
        return WriteConflict(code)
    # NoSuchKey: what should be replaced is gone.
    if is_conditional and (status == HTTPStatus.PRECONDITION_FAILED or code == "NoSuchKey"):
        return PreconditionMissed(code)
    if code in {"NoSuchKey", "NoSuchUpload"}:
        return FileNotFoundError(code)
    return BucketRefused(_REASONS.get(code) or _STATUS_REASONS.get(status, "io_error"))


def _code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code"))


def _status_of(found: dict[str, Any]) -> ObjectStatus:
    total = found.get("ContentRange", "").rpartition("/")[2]
    return ObjectStatus(
        etag=found["ETag"],
        size_bytes=int(total) if total else found["ContentLength"],
        written_at=float(found["Metadata"].get(_WRITTEN_AT) or found["LastModified"].timestamp()),
        changed_at=found["LastModified"],
        answered_at=parsedate_to_datetime(found["ResponseMetadata"]["HTTPHeaders"]["date"]),
    )
