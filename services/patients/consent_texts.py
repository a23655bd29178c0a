"""What a person agrees to: the newest version of each text, as it is shown, with its hash.

A text is a file `consent_texts/{kind}.{version}.txt`. What was published is never changed: a change is a new version,
so that the hash of a consent can be made again from the version and the settings of its time.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from core.settings import Settings
from models.patients import ConsentKind
from models.patients.consents import COLLECTING_KINDS

FOLDER = Path(__file__).with_suffix("")


@dataclass(frozen=True)
class ConsentText:
    """`text` is all that is shown: its first line the title, then a line `heading: sentence` for each point."""

    kind: ConsentKind
    version: str
    text: str

    @cached_property
    def sha256(self) -> str:
        """Of the text in UTF-8."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def title(self) -> str:
        return self.text.partition("\n")[0]

    @property
    def report_only(self) -> bool:
        """Asked of those alone who want a report."""
        return self.kind not in COLLECTING_KINDS

    @property
    def points(self) -> list[tuple[str, str]]:
        """Headings with their sentences."""
        lines = (line.partition(": ") for line in self.text.splitlines()[1:] if line)
        return [(heading, sentence) for heading, _, sentence in lines]


ConsentTexts = Mapping[ConsentKind, ConsentText]


def read_consent_texts(settings: Settings) -> ConsentTexts:
    """Of every kind, in the order in which they are asked for."""
    named = {
        "controller": settings.consents.controller,
        "contact": settings.consents.contact,
        "valid_days": settings.consents.valid_days,
        "kept_days": settings.files.completed_keep_days,
    }
    return {kind: _read(kind, named) for kind in ConsentKind}


def _read(kind: ConsentKind, named: Mapping[str, object]) -> ConsentText:
    version = max(int(path.name.split(".")[1]) for path in FOLDER.glob(f"{kind}.*.txt"))
    template = (FOLDER / f"{kind}.{version}.txt").read_text(encoding="utf-8")
    return ConsentText(kind, str(version), template.strip().format_map(named))
