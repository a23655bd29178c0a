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
    clock is set."""

    def __init__(self, library: Path, folder: Path) -> None:
        self._library = library
        self._folder = folder

    def settings(self, name: str) -> dict[str, str]:
        """The environment of a process that goes by that clock."""
        if not (self._folder / name).exists():
            self.set(name, 0)
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._folder / name),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "PYTHONPATH": str(ROOT / "dev" / "local" / "faketime_site"),
        }

    def set(self, name: str, seconds: float) -> None:
        """Of all processes that go by it, from their next look on."""
        new = self._folder / f"{name}.new"
        new.write_text(f"{seconds:+.3f}")
        new.rename(self._folder / name)
