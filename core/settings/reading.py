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
    RelaySettings,
    SecretSettings,
    StoreSettings,
    WebSettings,
)
from core.settings.variables import SettingsError, Variable, variables_of

_PREFIX = "WELNO_"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can be set, in groups."""

    stores: StoreSettings
    providers: ProviderSettings
    secrets: SecretSettings
    web: WebSettings
    collection: CollectionSettings
    files: FileSettings
    relay: RelaySettings
    processes: ProcessSettings

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Settings":
        """Raises SettingsError naming each variable that is missing, wrong or (with our prefix) unknown."""
        faults = list(_unknown(environment))
        groups: dict[str, Any] = {}
        for name, group in setting_groups().items():
            values = dict(_read_group(group, environment, faults))
            if not faults:
                groups[name] = group(**values)
        if faults:
            raise SettingsError("; ".join(faults))
        return cls(**groups)


def load_settings() -> Settings:
    """This process's own, for its edge: when any is wrong, one sentence on standard error and exit status 1."""
    try:
        return Settings.read(os.environ)
    except SettingsError as exc:
        sys.exit(f"settings: {exc}")


def setting_groups() -> dict[str, type]:
    """By the name of the attribute."""
    return get_type_hints(Settings)


def declared_variables() -> Iterator[Variable]:
    for group in setting_groups().values():
        yield from variables_of(group).values()


def _read_group(group: type, environment: Mapping[str, str], faults: list[str]) -> Iterator[tuple[str, object]]:
    for attribute, variable in variables_of(group).items():
        try:
            yield attribute, variable.read_from(environment)
        except (ValueError, OSError) as exc:
            faults.append(f"{variable.name}: {exc}")


def _unknown(environment: Mapping[str, str]) -> Iterator[str]:
    known = set(LOCAL_VARIABLES)
    for variable in declared_variables():
        known |= {variable.name, variable.file_name} if variable.may_be_file else {variable.name}
    return (
        f"{name}: unknown setting" for name in sorted(environment) if name.startswith(_PREFIX) and name not in known
    )
