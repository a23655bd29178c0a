"""The embedded servers, and programs of the product, for one measurement."""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from dev.local.home import copy_home
from dev.local.programs import migrations_command
from dev.local.stack import Stack

# In the environment: a home with a migrated database at rest, to start on copies of, as making one takes seconds.
MIGRATED_HOME = "BENCH_MIGRATED_HOME"
_NO_MIGRATIONS = ("true",)


@contextmanager
def open_stack(
    processes: Sequence[str] = (), settings: Mapping[str, str] | None = None, *, within: Path | None = None
) -> Iterator[Stack]:
    """PostgreSQL and Valkey, and the programs named; in a folder that goes away with them."""
    with tempfile.TemporaryDirectory(prefix="welno-bench-", dir=within) as folder:
        migrations = prepare_home(Path(folder))
        Path(folder).chmod(0o711)  # PostgreSQL's own user has to pass
        with Stack(Path(folder), env_overrides=settings, processes=processes, migrations=migrations) as stack:
            yield stack


def prepare_home(home: Path) -> Sequence[str]:
    """Gives the migrations that are still to be done."""
    migrated = os.environ.get(MIGRATED_HOME)
    if migrated is None:
        return migrations_command()
    copy_home(Path(migrated), home)
    return _NO_MIGRATIONS
