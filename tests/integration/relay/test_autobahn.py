"""The Autobahn suite itself, where AUTOBAHN_PYTHON names a Python 2.7 that has it; unit/relay has its cases too."""

import os

import pytest

from tests.integration.relay.autobahn import PASSED, run

PYTHON2 = os.environ.get("AUTOBAHN_PYTHON", "")


@pytest.mark.skipif(not PYTHON2, reason="AUTOBAHN_PYTHON names no Python 2.7 with autobahntestsuite")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("group", ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"])
def test_the_suite_passes(group):
    outcomes = run(PYTHON2, [group])
    assert outcomes
    assert {case: outcome for case, outcome in outcomes.items() if outcome not in PASSED} == {}
