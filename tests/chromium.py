"""How the tests start Chromium: quiet towards strangers, and without the windows' parts that no page needs."""

import os
import subprocess
from pathlib import Path

import playwright
from playwright.sync_api import expect

from dev.local.programs import ROOT
from tests.waiting import WAIT_SECONDS

# Nothing that a page promises: within what time, where it promises any, its test says itself.
WAIT_MILLISECONDS = 1000 * WAIT_SECONDS

# Chromium takes the last list of features and forgets the others, so Playwright's own is repeated.
_PLAYWRIGHT_TURNS_OFF = (
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "PreconnectToSearch",
)
# The address bar's list is a page with a process of its own in each new window: half of what a window costs.
_ADDRESS_BAR = ("AimEnabled", "WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup")
FLAGS = (
    "--no-sandbox",  # CI is root in a container, where Chromium's own sandbox cannot be had
    # Chromium's own errands would count as calls to strangers.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    f"--disable-features={','.join((*_PLAYWRIGHT_TURNS_OFF, *_ADDRESS_BAR))}",
)


def set_default_timeouts() -> None:
    """Playwright would give a page five seconds, which three browsers on two cores do not always have."""
    expect.set_options(timeout=WAIT_MILLISECONDS)


def choose_node() -> None:
    """Playwright runs on the Node that it brings, which does not start where libatomic is missing: then on ours."""
    brought = Path(playwright.__file__).parent / "driver" / "node"
    if subprocess.run([brought, "--version"], check=False, capture_output=True).returncode != 0:
        command = [ROOT / "dev" / "scripts" / "with-node", "sh", "-c", "command -v node"]
        ours = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        os.environ["PLAYWRIGHT_NODEJS_PATH"] = ours
