"""The sweeper's housekeeping: what waits for a lock keeps nothing else back."""

import subprocess
import sys
from datetime import timedelta

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from core.clock import clock
from core.names import SESSION_PREFIX
from dev.local.programs import ROOT
from services.delivery.kinds import RowCounter, SubjectKind
from services.delivery.partitions import keep_partitions
from services.delivery.rewritten import note_rewritten
from tests.waiting import COMMAND_SECONDS

LONG_AGO = timedelta(days=1000)
SESSIONS = SubjectKind(prefix=SESSION_PREFIX, counter=RowCounter("nothing", "id"), keep_days=1)
# In a process of its own: the app takes its settings from the environment as it is imported.
_SWEEP = """
from tasks.opening import open_stores
from tasks.processes.sweeper import Sweeper
from core.logs import configure_logs
configure_logs("INFO", "sweeper")
Sweeper(open_stores(), 1.0).sweep()
"""


def sweep_once(env: dict[str, str]) -> str:
    """What it logs."""
    command = (sys.executable, "-c", _SWEEP)
    done = subprocess.run(
        command, env=env, cwd=ROOT, check=True, capture_output=True, text=True, timeout=COMMAND_SECONDS
    )
    return done.stdout + done.stderr


def test_hashes_of_what_was_erased_go_while_the_database_is_dumped(demo_env: dict[str, str], engine: Engine):
    """A dump holds every partition, also one that is due to be dropped."""
    day = clock.now().date() - LONG_AGO
    with Session(engine) as session, session.begin():
        keep_partitions(session, [SESSIONS], day)
        note_rewritten(session, ["tilko_session:x"])
        session.execute(text("update welno.welno_rewritten_subjects set rewritten_at = now() - interval '1 year'"))
    with engine.begin() as dump:
        dump.execute(text(f"lock table welno_log.{SESSION_PREFIX}_{day:%Y%m%d} in access share mode"))
        log = sweep_once(demo_env)
        assert ("partition_left" in log, "sweep_failed" in log) == (True, False)
        assert dump.execute(text("select count(*) from welno.welno_rewritten_subjects")).scalar_one() == 0
    assert "log_partition_dropped" in sweep_once(demo_env)
