"""The demo's invented people, with whom the start page fills its form by one tap; in production there are none."""

from pathlib import Path
from typing import Any

import orjson

from core.settings import AccountSettings

_SHOWN = ("user_name", "birthdate", "phone_no", "gender", "about")


def read_demo_people(settings: AccountSettings) -> list[dict[str, Any]]:
    """What the form asks for of each, and `about` in words. Nobody where this is no demo, whatever file is named."""
    if not settings.demo or not settings.demo_people:
        return []
    return [{name: person[name] for name in _SHOWN} for person in orjson.loads(Path(settings.demo_people).read_bytes())]
