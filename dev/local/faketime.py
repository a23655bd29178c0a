"""libfaketime, by which some processes have another wall clock than the machine."""

from pathlib import Path

from dev.local.programs import ROOT

NO_FAKETIME = "there is no libfaketime: install Debian's `faketime`"
_FOLDERS = ("/usr/lib/*-linux-gnu/faketime", "/usr/lib/faketime", "/usr/lib64/faketime", "/usr/local/lib/faketime")


def find_faketime() -> Path | None:
    """The library for programs with threads."""
    root = Path("/")
    found = (path for folder in _FOLDERS for path in root.glob(f"{folder[1:]}/libfaketimeMT.so.1"))
    return next(found, None)


class WallClocks:
    """One file per name tells how far a clock is from the machine's. Monotonic time stays as it is, as on a host whose
    clock is set. A look at a file costs 0.1 ms, so that one of `cache_seconds` ago may do."""

    def __init__(self, library: Path, folder: Path, cache_seconds: int = 0) -> None:
        self._library = library
        self._folder = folder
        self._cache = {"FAKETIME_CACHE_DURATION": str(cache_seconds)} if cache_seconds else {"FAKETIME_NO_CACHE": "1"}

    def settings(self, name: str) -> dict[str, str]:
        """The environment of a process that goes by that clock."""
        if not (self._folder / name).exists():
            self.set(name, 0)
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._folder / name),
            **self._cache,
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # gunicorn's parent reads its workers' signs of life from a file's time, which no clock of a host changes.
            "NO_FAKE_STAT": "1",
            "PYTHONPATH": str(ROOT / "dev" / "local" / "faketime_site"),
        }

    def set(self, name: str, seconds: float) -> None:
        """Of all processes that go by it, from their next look on."""
        new = self._folder / f"{name}.new"
        new.write_text(f"{seconds:+.3f}")
        new.rename(self._folder / name)
