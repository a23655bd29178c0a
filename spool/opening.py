"""Opens the spool where the settings say: in a folder, or in a bucket."""

from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from core.clock import Clock
from core.sealing import Sealer
from core.settings import FileSettings
from spool.storage import Storage
from spool.store import Spool


def open_spool(settings: FileSettings, sealer: Sealer, clock: Clock) -> Spool:
    """Calls nobody yet: what is wrong with the place is told by `ensure_folders` and whatever is done with it."""
    return Spool(_open_place(settings), sealer, clock)


def _open_place(settings: FileSettings) -> Path | Storage:
    if not settings.data_url:
        return settings.data_dir
    # boto3 costs a third of a second and 20 MB, which a folder need not pay.
    from spool.bucket import SpoolBucket  # noqa: PLC0415
    from spool.objects import BucketAddress, ClientOfThread, connect_bucket  # noqa: PLC0415

    parts = urlsplit(settings.data_url)
    address = BucketAddress(
        parts.netloc,
        parts.path.strip("/"),
        endpoint_url=settings.data_endpoint or None,
        timeout_seconds=settings.data_timeout_seconds,
    )
    return SpoolBucket(ClientOfThread(partial(connect_bucket, address)), address)
