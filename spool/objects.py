"""Calls on one bucket through boto3, each a single request whose refusal is an OSError with a reason.

A missing key raises FileNotFoundError; a bucket that is missing never does, or nothing would seem to have been kept.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, NoCredentialsError
from botocore.exceptions import ConnectionError as ConnectionRefused
from urllib3.exceptions import HTTPError

_WRITTEN_AT = "written-at"
_ATTEMPTS = 3
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


class Objects:
    """Safe to share between threads."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(
        self, key: str, data: bytes, seconds: float = 0, *, is_new: bool = False, if_etag: str | None = None
    ) -> str:
        """Its ETag. Whole or absent, and durable once this returns. Raises PreconditionMissed."""
        condition = {"IfNoneMatch": "*"} if is_new else {"IfMatch": if_etag} if if_etag else {}
        with refusals(is_conditional=bool(condition)):
            stored = self._client.put_object(
                Bucket=self._bucket, Key=key, Body=data, Metadata={_WRITTEN_AT: repr(seconds)}, **condition
            )
        return str(stored["ETag"])

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

    def names(self, prefix: str) -> Iterator[tuple[str, datetime | None]]:
        """What comes after the prefix, up to the next slash; with the time of change where that is an object."""
        token: dict[str, str] = {}
        while True:
            with refusals():
                page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix, Delimiter="/", **token)
            for found in page.get("CommonPrefixes", ()):
                yield found["Prefix"][len(prefix) : -1], None
            for found in page.get("Contents", ()):
                if name := found["Key"][len(prefix) :]:  # consoles make an empty object for a folder
                    yield name, found["LastModified"]
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

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

    def uploads(self, prefix: str) -> Iterator[tuple[str, str, datetime]]:
        """Keys, ids and beginnings of uploads that have not ended."""
        with refusals():
            page = self._client.list_multipart_uploads(Bucket=self._bucket, Prefix=prefix)
        # The first thousand: who aborts those finds the others next time.
        for found in page.get("Uploads", ()):
            yield found["Key"], found["UploadId"], found["Initiated"]


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
    # 409: another conditional write of the same key was under way. 404: what should be replaced is gone.
    if is_conditional and (status in {409, 412} or code == "NoSuchKey"):
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
