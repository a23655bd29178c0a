"""Opens the spool where the settings say: in a folder, in a bucket, or in both while files are moved."""

from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from core.clock import Clock
from core.sealing import Sealer
from core.settings import FileSettings
from spool.disk import Disk
from spool.folders import SpoolFolders
from spool.mover import Mover
from spool.moving import MovingStorage
from spool.storage import Storage
from spool.store import Spool


def open_spool(settings: FileSettings, sealer: Sealer, clock: Clock) -> Spool:
    """Calls nobody yet: what is wrong with the place is told by `ensure_folders` and whatever is done with it."""
    return Spool(_open_place(settings), sealer, clock)


def open_mover(settings: FileSettings, sealer: Sealer, *, is_back: bool = False) -> Mover:
    """From the folder into the bucket, or back."""
    folder, bucket = SpoolFolders(settings.data_dir, Disk()), _open_bucket(settings)
    return Mover(bucket, folder, sealer) if is_back else Mover(folder, bucket, sealer)


def _open_place(settings: FileSettings) -> Path | Storage:
    if not settings.data_url:
        return settings.data_dir
    bucket = _open_bucket(settings)
    return MovingStorage(SpoolFolders(settings.data_dir, Disk()), bucket) if settings.data_is_moving else bucket


def _open_bucket(settings: FileSettings) -> Storage:
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
