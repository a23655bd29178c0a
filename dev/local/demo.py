"""What makes a stack a demo: its settings, its secrets, and the command that fills it."""

import sys
from collections.abc import Mapping
from pathlib import Path

from dev.local.programs import ROOT
from dev.local.secrets import keep_secret

DEMO_SETTINGS: Mapping[str, str] = {
    "WELNO_DEMO": "true",
    "WELNO_DEMO_PEOPLE": str(ROOT / "dev" / "sandbox" / "people.json"),
    "WELNO_LOGIN_NEEDS_PRESENCE": "false",
}
_HOSPITAL = ROOT / "dev" / "sandbox" / "hospital.json"
_COMPANIES = ROOT / "dev" / "sandbox" / "companies.json"


def demo_password(home: Path) -> str:
    """Of all people of the demo who sign in with one."""
    return keep_secret(home, "demo_password")


def demo_hall_key(home: Path) -> str:
    return keep_secret(home, "demo_hall_key")


def seed_command(home: Path) -> tuple[str, ...]:
    """By files, as a command line is there for all to see."""
    demo_password(home)
    demo_hall_key(home)
    secrets = home / "secrets"
    files = (str(secrets / "demo_password"), str(secrets / "demo_hall_key"))
    return (sys.executable, "-m", "tasks.demo", str(_HOSPITAL), *files, str(_COMPANIES))
