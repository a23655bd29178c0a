"""docs/operations.md names commands, options, routes, metrics, log events, alerts and settings that there are."""

import json
import os
import re
import subprocess
import sys

import pytest
import yaml  # type: ignore[import-untyped]
from flask import Flask

import tasks.processes.approval_faults  # noqa: F401 whose metrics are in the same /metrics
import webapp.gunicorn_worker  # noqa: F401 the same
from dev.local.programs import ROOT
from services.interviews.analysis_failures import AnalysisFault
from tests.waiting import COMMAND_SECONDS

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
NIGHTS = PAGE[PAGE.index("## Ten nights") : PAGE.index("## Slow and greedy")].replace("\n", " ")
ROOMS = ("core", "services", "spool", "streams", "tasks", "upstream", "webapp")
_COMMAND = re.compile(r"`python -m ((?:tasks|webapp)\.[\w.]+)((?: [a-z][a-z-]*)*)")
COMMANDS = sorted(set(_COMMAND.findall(PAGE.replace("\n", " "))))


# One process for all of them: each alone would import the whole product.
ASK_EACH_FOR_HELP = """
import contextlib, io, json, runpy, sys
answers = []
for module, verbs in json.load(sys.stdin):
    sys.argv = [module, *verbs.split(), "--help"]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as told:
        try:
            runpy.run_module(module, run_name="__main__")
            code = None
        except SystemExit as exc:
            code = exc.code
        except BaseException as exc:
            code = repr(exc)
    answers.append([code, told.getvalue()])
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def helps(demo_env: dict[str, str]) -> dict[tuple[str, str], tuple[object, str]]:
    """How each command ends that is asked for help, and what it complains about."""
    done = subprocess.run(
        [sys.executable, "-c", ASK_EACH_FOR_HELP],
        cwd=ROOT,
        env=os.environ | demo_env,
        check=True,
        stdout=subprocess.PIPE,
        input=json.dumps(COMMANDS).encode(),
        timeout=COMMAND_SECONDS,
    )
    return {command: (code, told) for command, (code, told) in zip(COMMANDS, json.loads(done.stdout), strict=True)}


@pytest.mark.parametrize(("module", "verbs"), COMMANDS)
def test_a_command_is_there(module: str, verbs: str, helps: dict[tuple[str, str], tuple[object, str]]):
    code, told = helps[module, verbs]
    assert code == 0, told


def test_there_are_ten():
    assert [int(number) for number in re.findall(r"\*\*(\d+)\. ", NIGHTS)] == list(range(1, 11))


def test_each_night_begins_with_what_one_sees_and_names_a_way_out():
    for night in re.split(r"\*\*\d+\. ", NIGHTS)[1:]:
        assert re.search(r"Alert `|log `|/readyz|문의 번호|Log `", night), night[:60]
        assert re.search(r"[Ss]tart|[Rr]estart|Put |Bring|Make room|Mend|Type|needs doing|resume", night), night[:60]


def test_each_metric_of_the_page_is_served(app: Flask):
    text = app.test_client().get("/metrics").text
    tables = {"welno_access_log", "welno_log", "welno_erasures", "welno_record_versions", "welno_record_answers"}
    roles = {"welno_member", "welno_analyst", "welno_searcher", "welno_consents"}
    slots = {"welno_standby"}
    named = set(re.findall(r"`(welno_[a-z_]+)(?:\{[a-z,]+\})?`", PAGE)) - tables - roles - slots
    assert len(named) > 10
    assert {name for name in named if f"# TYPE {name} " not in text} == set()


def test_each_log_event_of_the_nights_is_logged():
    written = "".join(path.read_text(encoding="utf-8") for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    lists = re.findall(r"[Ll]og ((?:(?:, | or )?`[a-z_]+`)+)", NIGHTS)
    told = {event for listed in lists for event in re.findall(r"`(\w+)`", listed)}
    assert len(told) > 10
    assert {event for event in told if not re.search(rf'log\.\w+\(\s*"{event}"', written)} == set()


def test_each_alert_is_a_rule():
    rules = (ROOT / "docs" / "monitoring" / "alerts.yml").read_text(encoding="utf-8")
    there = {rule["alert"] for group in yaml.safe_load(rules)["groups"] for rule in group["rules"]}
    assert set(re.findall(r"`(Welno\w+)`", NIGHTS)) <= there


def test_each_setting_of_the_page_is_one():
    known = set(re.findall(r"^\| `(\w+)`", (ROOT / "docs" / "settings.md").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"`((?:WELNO|TILKO|MEDIARC|MISO)_[A-Z_]+)`", PAGE))
    codes = {fault.value for fault in AnalysisFault}
    assert named - known - codes == set()


def test_each_route_of_the_nights_is_one(app: Flask):
    rules = {re.sub(r"<[^>]+>", "NAME", rule.rule) for rule in app.url_map.iter_rules()}
    named = {re.sub(r"/(ID|NAME)\b", "/NAME", path) for path in re.findall(r"(?:GET|POST) (/api/[\w/]+)", NIGHTS)}
    assert named
    assert named - rules == set()
