"""Programs of a stack that go by clocks of their own."""

from dev.local.faketime import WallClocks
from dev.local.programs import Program
from tests.stacks import with_settings


def with_own_clocks(programs: dict[str, Program], clocks: WallClocks) -> dict[str, Program]:
    """One for each program, under its name."""
    return {name: with_settings(program, **clocks.settings(name)) for name, program in programs.items()}
