"""The bounds and their settings: one default each, and none that breaks a promise."""

from dataclasses import fields

import pytest

from core.settings import RelaySettings, Settings, SettingsError, variables_of
from tests.unit.guards.test_names import ENVIRONMENT


def test_the_defaults_are_those_of_the_settings():
    assert Settings.read(ENVIRONMENT).relay == RelaySettings()


@pytest.mark.parametrize("limit", [item.name for item in fields(RelaySettings)])
def test_each_bound_has_a_setting(limit):
    variable = variables_of(RelaySettings)[limit]
    value = int(variable.default) + (1 if limit != "check_every_seconds" else -1)
    settings = Settings.read(ENVIRONMENT | {variable.name: str(value)})
    assert getattr(settings.relay, limit) == value


def test_a_right_is_looked_up_once_a_minute_at_least():
    with pytest.raises(SettingsError, match="WELNO_RELAY_CHECK_EVERY_SECONDS"):
        Settings.read(ENVIRONMENT | {"WELNO_RELAY_CHECK_EVERY_SECONDS": "61"})


def test_the_longest_event_can_be_sent():
    with pytest.raises(SettingsError, match="WELNO_RELAY_MESSAGE_OUT_MAX_BYTES"):
        Settings.read(ENVIRONMENT | {"WELNO_RELAY_MESSAGE_OUT_MAX_BYTES": "65536"})
