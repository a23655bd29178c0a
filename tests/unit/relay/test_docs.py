"""docs/relay.md says what the code does: the close codes, and the bounds with their settings and defaults."""

from pathlib import Path

import pytest

from core.settings import RelaySettings, Variable, variables_of
from webapp.relay import metrics
from webapp.relay.closing import CLOSINGS, CloseCode

PAGE = (Path(__file__).parents[3] / "docs" / "relay.md").read_text(encoding="utf-8")
BOUNDS = variables_of(RelaySettings).values()


@pytest.mark.parametrize("code", CloseCode)
def test_the_page_has_each_close_code(code):
    closing = CLOSINGS[code]
    assert f"| {int(code)} | {closing.reason or '(none)'} | {closing.meaning} | {closing.then} |" in PAGE


@pytest.mark.parametrize("variable", BOUNDS, ids=lambda variable: variable.name)
def test_the_page_has_each_setting_with_its_default(variable: Variable):
    assert any(f"`{variable.name}`{between}`{variable.default}`" in PAGE for between in (" ", " ("))


def test_the_page_has_each_metric():
    told = {name for line in PAGE.splitlines() if "welno_relay_" in line for name in line.replace("{", "`").split("`")}
    named = {name if name.startswith("welno") else f"welno_relay{name}" for name in told if "_" in name}
    made = {value._name for value in vars(metrics).values() if hasattr(value, "_name")}
    assert {name.removesuffix("_total") for name in made} <= {name.removesuffix("_total") for name in named}
