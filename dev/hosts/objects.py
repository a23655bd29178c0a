"""The object store on a host of its own: moto's S3, which keeps its objects in memory."""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

import boto3

from dev.hosts.service import Service
from dev.hosts.topology import Host
from dev.local.health import answers
from dev.local.process import Process
from dev.local.programs import ROOT

PORT = 9000
# When each object was there, for whoever judges a run.
RECORD = "writes.log"
_BUCKET = "welno-files"
_START_SECONDS = 60
# It asks for some and checks none.
_CREDENTIALS: Mapping[str, str] = MappingProxyType(
    {"AWS_ACCESS_KEY_ID": "demo", "AWS_SECRET_ACCESS_KEY": "demo", "AWS_DEFAULT_REGION": "ap-northeast-2"}
)


def bucket_settings(endpoint: str) -> dict[str, str]:
    """Of every process of the product, which reaches the store at `endpoint`."""
    return {"TILKO_DATA_URL": f"s3://{_BUCKET}/spool", "TILKO_DATA_ENDPOINT": endpoint, **_CREDENTIALS}


def objects_service(folder: Path, host: Host) -> Service:
    """Killed, it has lost every object: its bucket is made anew, and empty."""
    where = ("--host", host.address, "--port", str(PORT), "--record", str(folder / RECORD))
    command = [sys.executable, "-m", "dev.hosts.object_server", *where]
    process = Process("objects", command, folder / "objects.log", env={**os.environ, **_CREDENTIALS}, cwd=ROOT)
    url = f"http://{host.address}:{PORT}"

    def start() -> None:
        folder.mkdir(parents=True, exist_ok=True)
        process.start()

    def wait() -> None:
        process.wait_until(lambda: answers(url), _START_SECONDS)
        _make_bucket(url)

    return Service("objects", start, lambda: process, wait)


def _make_bucket(url: str) -> None:
    region = _CREDENTIALS["AWS_DEFAULT_REGION"]
    client = boto3.session.Session(
        aws_access_key_id=_CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        region_name=region,
    ).client("s3", endpoint_url=url)
    with suppress(client.exceptions.BucketAlreadyOwnedByYou):
        client.create_bucket(Bucket=_BUCKET, CreateBucketConfiguration={"LocationConstraint": region})
