"""Two releases of the product made from this checkout: one before a column was replaced, and one after it.

`note_old` is what only the old release reads and writes, `note_new` what only the new one does. The column is added,
the release replaced, and only then the old column removed: expand, deploy, contract.
"""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from dev.local.programs import ROOT

_ROOMS = ("alembic", "core", "dev", "models", "services", "spool", "streams", "tasks", "upstream", "webapp")
_TABLE = '"welno_collection_history", '
_MIGRATION = '''"""{name}."""

import sqlalchemy as sa

from alembic import op

revision: str = "{name}"
down_revision: str | None = "{after}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.{call}
'''
BASE, EXPAND, CONTRACT = "9001_old", "9002_expand", "9003_contract"


@dataclass(frozen=True)
class Release:
    """A folder with all the code of one release."""

    code: Path

    def migrate_to(self, revision: str) -> tuple[str, ...]:
        return ("env", "-C", str(self.code), sys.executable, "-m", "alembic", "upgrade", revision)

    def add_migration(self, name: str, after: str, call: str) -> None:
        text = _MIGRATION.format(name=name, after=after, call=call)
        (self.code / "alembic" / "versions" / f"{name}.py").write_text(text)


def make_old(folder: Path) -> Release:
    release = _copy(folder)
    release.add_migration(BASE, _head(), f'add_column({_TABLE}sa.Column("note_old", sa.Text()), schema="welno")')
    _write_note(release, "note_old")
    return release


def make_new(folder: Path) -> Release:
    """Its new column is full of what the old release never heard of: not null, so it needs a default."""
    release = _copy(folder)
    release.add_migration(BASE, _head(), f'add_column({_TABLE}sa.Column("note_old", sa.Text()), schema="welno")')
    column = 'sa.Column("note_new", sa.Text(), server_default="not by us", nullable=False)'
    release.add_migration(EXPAND, BASE, f'add_column({_TABLE}{column}, schema="welno")')
    _write_note(release, "note_new")
    return release


def add_contract(release: Release) -> None:
    """The next release's migration, when nobody uses the old column any more."""
    release.add_migration(CONTRACT, EXPAND, f'drop_column({_TABLE}"note_old", schema="welno")')


def _copy(folder: Path) -> Release:
    for room in _ROOMS:
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "alembic.ini", folder)
    return Release(folder)


def _head() -> str:
    config = Config(str(ROOT / "alembic.ini"))
    config.set_main_option("script_location", str(ROOT / "alembic"))
    return str(ScriptDirectory.from_config(config).get_current_head())


def _write_note(release: Release, column: str) -> None:
    _replace(
        release.code / "models" / "collection" / "runs.py",
        "    token_hash: Mapped[str | None]\n",
        f"    token_hash: Mapped[str | None]\n    {column}: Mapped[str | None]\n",
    )
    _replace(
        release.code / "services" / "collection" / "sessions.py",
        "        token_hash=hash_token(token),\n",
        f'        token_hash=hash_token(token),\n        {column}="by us",\n',
    )


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, f"{path.name} has changed: this release has to be made in another way"
    path.write_text(text.replace(old, new))
