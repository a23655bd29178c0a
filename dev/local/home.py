"""The home folder of a demo: made, and held by one supervisor at a time."""

import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dev.local.errors import HomeInUseError


def make_home(home: Path) -> Path:
    """Others may pass through it (PostgreSQL may run as another user) but not look into it."""
    home = home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    if home.stat().st_uid == os.geteuid():
        home.chmod(0o711)
    return home


def copy_home(migrated: Path, home: Path) -> None:
    """`home` may be there already; nothing may run in `migrated`."""
    home.mkdir(exist_ok=True)
    # Not shutil: it would forget whose files they are, and PostgreSQL runs as another user than root.
    subprocess.run(["cp", "-a", f"{migrated}/.", home], check=True)


@contextmanager
def hold_home(home: Path) -> Iterator[Path]:
    """Raises HomeInUseError. The lock vanishes with its holder, however that ends."""
    home = make_home(home)
    descriptor = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        os.close(descriptor)
        raise HomeInUseError(
            f"{home} is in use by another run; stop that one, or set WELNO_HOME to another folder"
        ) from exc
    try:
        yield home
    finally:
        os.close(descriptor)
