"""The bench's tools that do nothing can all that the steps ask of them, or it would measure a chain that stands."""

import pytest

from core.names import Step
from dev.bench.pipeline.stub_tools import with_stubs
from tests.integration.collection.conftest import World


@pytest.mark.parametrize("step", [Step.FETCH_HEALTH_DATA, Step.FETCH_PRESCRIPTIONS, Step.SAVE_FILES, Step.IMPORT_FILES])
def test_a_step_is_performed_with_nothing(world: World, step: Step):
    _, claim = world.at(step)
    with_stubs(world.tools).handlers[step].run(claim)
