"""The operators' command for runs: `python -m tasks.runs list | show ID | resume ID | cancel ID`.

Exit status: 0 done, 1 not possible now (the sentence says why), 2 wrong use, 3 PostgreSQL is away.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from uuid import UUID

from core.clock import clock
from core.names import Status
from models.collection import RunState
from services.collection.errors import NotStopped, SessionNotFound
from services.collection.operators import (
    RunSummary,
    list_runs,
    read_run_history,
    resume_stopped_run,
)
from services.collection.requests import cancel_session
from services.stores import Stores
from tasks.arguments import read_line_limit
from tasks.commands import end_command
from tasks.opening import open_stores

_LINE = "{:<36}  {:<26}  {:<20}  {:<8}  {:<22}  {}"


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")


def _line(run: RunSummary) -> str:
    changed = run.updated_at.isoformat(timespec="seconds")
    return _LINE.format(run.session_id, run.status, run.step, run.run_state, run.error_code or "-", changed)


def show_list(here: Stores, options: argparse.Namespace) -> None:
    state = RunState(options.state) if options.state else None
    with here.sessions() as session:
        runs = list_runs(session, state=state, error_only=options.errors, limit=options.limit)
    _write(_LINE.format("session", "status", "step", "state", "error", "changed"))
    for run in runs:
        _write(_line(run))


def show_history(here: Stores, options: argparse.Namespace) -> None:
    with here.sessions() as session:
        history = read_run_history(session, options.session_id)
    _write(_line(history.summary))
    _write(
        f"checkups {history.health_count}, prescriptions {history.prescription_count}, ends {history.expires_at:%F %T}Z"
    )
    if history.detail:
        _write(f"error: {history.detail}")
    for record in history.steps:
        took = (record.ended_at - record.started_at).total_seconds()
        began = f"  {record.started_at:%F %T}  {record.step:<20} try {record.attempt:<3}"
        _write(f"{began} {record.outcome:<12} {took:8.2f} s  {record.reason or ''}")


def resume(here: Stores, options: argparse.Namespace) -> None:
    with here.unit_of_work() as work:
        resume_stopped_run(work, options.session_id, now=clock.now())
    _write("resumed")


def cancel(here: Stores, options: argparse.Namespace) -> None:
    with here.unit_of_work() as work:
        cancel_session(work, options.session_id, now=clock.now())
        status = read_run_history(work.session, options.session_id).summary.status
    ended_before = f"had ended as {status} before: its records stay, and its token opens nothing any more"
    _write("cancelled" if status == Status.CANCELLED else ended_before)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tasks.runs", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    listing = verbs.add_parser("list", help="the runs, newest change first")
    listing.add_argument("--state", choices=[state.value for state in RunState])
    listing.add_argument("--errors", action="store_true", help="only those that stopped with an error")
    listing.add_argument("--limit", type=read_line_limit, default=50)
    listing.set_defaults(run=show_list)
    actions: dict[str, tuple[Callable[[Stores, argparse.Namespace], None], str]] = {
        "show": (show_history, "one run's history, step by step"),
        "resume": (resume, "let a run that stopped go on at its step"),
        "cancel": (cancel, "end a run for good"),
    }
    for verb, (action, words) in actions.items():
        sub = verbs.add_parser(verb, help=words)
        sub.add_argument("session_id", type=UUID)
        sub.set_defaults(run=action)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    here = open_stores()
    try:
        options.run(here, options)
    except SessionNotFound:
        sys.stderr.write("no such session\n")
        return 1
    except NotStopped as exc:
        sys.stderr.write(f"the run is {exc}: only one that stopped with an error can be resumed\n")
        return 1
    finally:
        here.close()
    return 0


if __name__ == "__main__":
    end_command(main)
