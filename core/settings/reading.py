"""Reads all settings at once, and stops a process whose settings are wrong."""

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_type_hints

from core.settings.groups import (
    LOCAL_VARIABLES,
    CollectionSettings,
    FileSettings,
    ProcessSettings,
    ProviderSettings,
    SecretSettings,
    StoreSettings,
)
from core.settings.interview_groups import InterviewSettings
from core.settings.journey_groups import JourneySettings
from core.settings.shl_groups import HealthLinkSettings
from core.settings.thread_groups import ThreadSettings
from core.settings.variables import SettingsError, Variable, variables_of
from core.settings.web_groups import (
    AccountSettings,
    ConsentSettings,
    RelaySettings,
    WebSettings,
)

_PREFIX = "WELNO_"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can be set, in groups."""

    stores: StoreSettings
    providers: ProviderSettings
    secrets: SecretSettings
    web: WebSettings
    accounts: AccountSettings
    consents: ConsentSettings
    collection: CollectionSettings
    interviews: InterviewSettings
    files: FileSettings
    journey: JourneySettings
    threads: ThreadSettings
    shl: HealthLinkSettings
    relay: RelaySettings
    processes: ProcessSettings

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Settings":
        """Raises SettingsError naming each variable that is missing, wrong or (with our prefix) unknown."""
        reading = _Reading(environment)
        groups = {name: reading.read_group(group) for name, group in setting_groups().items()}
        reading.finish()
        return cls(**groups)


def load_settings() -> Settings:
    """This process's own, for its edge: when any is wrong, one sentence on standard error and exit status 1."""
    try:
        return Settings.read(os.environ)
    except SettingsError as exc:
        sys.exit(f"settings: {exc}")


def load_values(*names: str) -> list[Any]:
    """Of these variables alone, as `load_settings`: for a command that must work where the others are not set."""
    try:
        return read_values(os.environ, *names)
    except SettingsError as exc:
        sys.exit(f"settings: {exc}")


def read_values(environment: Mapping[str, str], *names: str) -> list[Any]:
    """Raises SettingsError."""
    known = {variable.name: variable for variable in declared_variables()}
    reading = _Reading(environment)
    values = [reading.read(known[name]) for name in names]
    reading.finish()
    return values


def setting_groups() -> dict[str, type]:
    """By the name of the attribute."""
    return get_type_hints(Settings)


def declared_variables() -> Iterator[Variable]:
    for group in setting_groups().values():
        yield from variables_of(group).values()


class _Reading:
    """Collects the faults, so that all are told at once. What could not be read is None until then."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._faults = list(_unknown(environment))

    def read(self, variable: Variable) -> Any:
        try:
            return variable.read_from(self._environment)
        except (ValueError, OSError) as exc:
            self._faults.append(f"{variable.name}: {exc}")
            return None

    def read_group(self, group: type) -> Any:
        before = len(self._faults)
        values = {attribute: self.read(variable) for attribute, variable in variables_of(group).items()}
        if len(self._faults) > before:
            return None
        try:
            return group(**values)
        except ValueError as exc:
            self._faults.append(str(exc))
            return None

    def finish(self) -> None:
        """Raises SettingsError when there were faults."""
        if self._faults:
            raise SettingsError("; ".join(self._faults))


def _unknown(environment: Mapping[str, str]) -> Iterator[str]:
    known = set(LOCAL_VARIABLES)
    for variable in declared_variables():
        known |= {variable.name, variable.file_name}
    return (
        f"{name}: unknown setting" for name in sorted(environment) if name.startswith(_PREFIX) and name not in known
    )
