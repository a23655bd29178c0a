"""How a group declares its variables, and how a group is read from an environment."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

from core.settings.readers import Reader

_LONGEST_TEXT = 4096


class SettingsError(Exception):
    """One or more settings are missing, wrong or unknown."""

    retryable = False


@dataclass(frozen=True)
class Variable:
    """One environment variable. `default` is as one would write it; None where there is none and it must be set.

    The value may also stand in the file that `{name}_FILE` names.
    """

    name: str
    read: Reader
    meaning: str
    default: str | None
    unit: str

    @property
    def file_name(self) -> str:
        return f"{self.name}_FILE"

    def read_from(self, environment: Mapping[str, str]) -> object:
        """Raises ValueError, or OSError for a file that cannot be read."""
        text = self._text(environment)
        if text is None:
            raise ValueError("is not set; see docs/settings.md")
        judge_text(text)
        return self.read(text)

    def _text(self, environment: Mapping[str, str]) -> str | None:
        text = environment.get(self.name)
        if self.file_name not in environment:
            return self.default if text is None else text
        if text is not None:
            raise ValueError(f"is set, and {self.file_name} too: only one of them may be")
        return _read_file(environment[self.file_name])


def judge_text(text: str) -> None:
    """What every value must be, before anything else looks at it. Raises ValueError."""
    if len(text) > _LONGEST_TEXT or not text.isprintable():
        raise ValueError(f"must be one line of at most {_LONGEST_TEXT} printable characters")


def _read_file(path: str) -> str:
    """Raises ValueError, OSError. Not more of it than can be right: it may be a device."""
    with Path(path).open("rb") as file:
        content = file.read(_LONGEST_TEXT * 4 + 1)
    try:
        return content.decode().strip()
    except UnicodeDecodeError:
        raise ValueError("the file must hold UTF-8") from None


def setting(
    name: str,
    read: Reader,
    meaning: str,
    *,
    default: str | None = None,
    unit: str = "",
    secret: bool = False,
) -> Any:
    """A field of a group. A secret is left out of the repr."""
    return field(
        default=MISSING if default is None else read(default),
        metadata={"variable": Variable(name, read, meaning, default, unit)},
        repr=not secret,
    )


def variables_of(group: type) -> dict[str, Variable]:
    """By the name of the field."""
    return {item.name: item.metadata["variable"] for item in fields(group)}
