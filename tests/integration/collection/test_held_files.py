"""A file that another process holds, or held when it died, costs whoever waits for it nothing."""

from datetime import timedelta

import pytest

from core.clock import clock
from core.names import Step
from services.collection.run_engine import fail_step
from spool import DataType, FileTaken, Metadata, Package

from .conftest import World


def test_waiting_for_a_file_that_another_holds_spends_no_try(world: World):
    session_id, claim = world.at(Step.IMPORT_FILES)
    spool = world.tools.spool
    about = Metadata(session_id, DataType.HEALTH, "7c1f0e9a-invented", "PEERNINE", clock.now())
    with clock.frozen(clock.now()), spool.claim(spool.put_pending(Package(about, {"ResultList": []}))):
        for _ in range(world.settings.collection.step_max_attempts + 2):
            assert claim is not None
            with pytest.raises(FileTaken) as caught:
                world.tools.handlers[Step.IMPORT_FILES].run(claim)
            assert world.unit(fail_step, claim, caught.value, world.tools).is_retried
            clock.advance(timedelta(seconds=2))
            claim = world.claim(session_id, Step.IMPORT_FILES)
    run = world.run(session_id)
    assert (run.attempts, run.run_state, run.error_code) == (0, "running", None)
