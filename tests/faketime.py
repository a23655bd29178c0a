"""libfaketime, by which one process of a stack has another wall clock than the rest."""

from collections.abc import Mapping
from pathlib import Path

from dev.local.programs import ROOT, Program
from tests.stacks import with_settings

NO_FAKETIME = "there is no libfaketime: install Debian's `faketime`"
_FOLDERS = ("/usr/lib/*-linux-gnu/faketime", "/usr/lib/faketime", "/usr/lib64/faketime", "/usr/local/lib/faketime")


def find_faketime() -> Path | None:
    """The library for programs with threads."""
    root = Path("/")
    found = (path for folder in _FOLDERS for path in root.glob(f"{folder[1:]}/libfaketimeMT.so.1"))
    return next(found, None)


class WallClocks:
    """One file per program tells how far its clock is from the machine's. Monotonic time stays as it is, as on a host
    whose clock is set."""

    def __init__(self, library: Path, folder: Path) -> None:
        self._library = library
        self._folder = folder

    def adapt(self, programs: dict[str, Program]) -> dict[str, Program]:
        return programs | {name: self._with_own_clock(program) for name, program in programs.items()}

    def _with_own_clock(self, program: Program) -> Program:
        self.set(program.name, 0)
        settings: Mapping[str, object] = {
            "LD_PRELOAD": self._library,
            "FAKETIME_TIMESTAMP_FILE": self._folder / program.name,
            "FAKETIME_NO_CACHE": 1,
            "FAKETIME_DONT_FAKE_MONOTONIC": 1,
            "PYTHONPATH": ROOT / "tests" / "faketime_site",
        }
        return with_settings(program, **settings)

    def set(self, name: str, seconds: float) -> None:
        """Of all processes of the program, from their next look on."""
        new = self._folder / f"{name}.new"
        new.write_text(f"{seconds:+.3f}")
        new.rename(self._folder / name)
