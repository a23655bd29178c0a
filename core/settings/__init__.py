"""The one typed place for settings: groups of variables, each declared once, read from the environment at the start.

Errors: SettingsError (not retryable), whose message names every variable at fault and what to do.
"""

from core.settings.groups import (
    CollectionSettings,
    FileSettings,
    ProcessSettings,
    ProviderSettings,
    SecretSettings,
    StoreSettings,
)
from core.settings.interview_groups import InterviewSettings
from core.settings.journey_groups import JourneySettings
from core.settings.reading import Settings, load_settings, load_values, read_values
from core.settings.reference import reference
from core.settings.shl_groups import HealthLinkSettings
from core.settings.thread_groups import ThreadSettings
from core.settings.variables import SettingsError, Variable, variables_of
from core.settings.web_groups import (
    AccountSettings,
    ConsentSettings,
    RelaySettings,
    WebSettings,
)

__all__ = [
    "AccountSettings",
    "CollectionSettings",
    "ConsentSettings",
    "FileSettings",
    "HealthLinkSettings",
    "InterviewSettings",
    "JourneySettings",
    "ProcessSettings",
    "ProviderSettings",
    "RelaySettings",
    "SecretSettings",
    "Settings",
    "SettingsError",
    "StoreSettings",
    "ThreadSettings",
    "Variable",
    "WebSettings",
    "load_settings",
    "load_values",
    "read_values",
    "reference",
    "variables_of",
]
