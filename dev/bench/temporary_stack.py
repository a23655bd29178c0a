"""The embedded servers, and programs of the product, for one measurement."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from dev.local.stack import Stack


@contextmanager
def open_stack(
    processes: Sequence[str] = (), settings: Mapping[str, str] | None = None, *, within: Path | None = None
) -> Iterator[Stack]:
    """PostgreSQL and Valkey, and the programs named; in a folder that goes away with them."""
    with tempfile.TemporaryDirectory(prefix="welno-bench-", dir=within) as folder:
        Path(folder).chmod(0o711)  # PostgreSQL's own user has to pass
        with Stack(Path(folder), env_overrides=settings, processes=processes) as stack:
            yield stack
