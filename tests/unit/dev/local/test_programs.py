"""How the supervisor hands keys to the sandbox."""

from pathlib import Path

import pytest

from dev.local import programs
from dev.sandbox.__main__ import parse_options


def test_a_key_that_begins_with_a_dash_is_still_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(programs, "sandbox_keys", lambda _: {"TILKO_API_KEY": "-abc", "MEDIARC_API_KEY": "--x"})
    command = programs.sandbox_program(tmp_path, 1).command
    options = parse_options(list(command[command.index("--port") :]))
    assert (options.tilko_api_key, options.mediarc_api_key) == ("-abc", "--x")
