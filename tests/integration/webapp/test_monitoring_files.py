"""The alert rules and the dashboard ask for metrics, and labels of them, that /metrics has."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from flask import Flask
from prometheus_client import REGISTRY

import tasks.processes.approval_faults  # noqa: F401 whose metrics are in the same /metrics
import webapp.gunicorn_worker  # noqa: F401 the same
from dev.local.programs import ROOT

FOLDER = ROOT / "docs" / "monitoring"
_NAME = re.compile(r"welno_[a-z_]+")
_CHOSEN = re.compile(r"\{([^}]*)\}")
_GROUPED = re.compile(r"by \(([a-z_, ]+)\)")
# Of metrics that PostgreSQL counts, made for each answer.
_COUNTED_THERE = {"call", "outcome", "exam"}


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    for panel in json.loads((FOLDER / "dashboard.json").read_text())["panels"]:
        yield from (target["expr"] for target in panel["targets"])


@pytest.fixture
def served(app: Flask) -> set[str]:
    """Names as they are asked for: of a histogram its buckets, its sum and its count."""
    text = app.test_client().get("/metrics").text
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    histograms = [name for name, kind in types.items() if kind == "histogram"]
    return set(types) | {f"{name}_{part}" for name in histograms for part in ("bucket", "sum", "count")}


def test_every_metric_that_is_asked_for_is_served(served: set[str]):
    asked = {name for expression in expressions() for name in _NAME.findall(expression)}
    assert asked - served == set()


def test_every_label_that_is_asked_for_is_one_of_a_metric():
    known = {label for collector in REGISTRY._collector_to_names for label in getattr(collector, "_labelnames", ())}
    for expression in expressions():
        asked = {one for labels in _GROUPED.findall(expression) for one in labels.split(", ")}
        for labels in _CHOSEN.findall(expression):
            asked.update(re.findall(r"(\w+)[=!]~?", labels))
        assert asked - known - _COUNTED_THERE - {"le", "job"} == set(), expression


def test_every_alert_says_whom_it_wakes_and_what_to_do():
    for rule in rules():
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert set(rule["annotations"]) == {"summary", "action"}
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))


def test_somebody_is_told_when_logins_of_patients_are_guessed():
    """At a hundred an hour: the limits hold whoever guesses, and tell nobody."""
    [rule] = [rule for rule in rules() if "welno_journey_login_failures_total" in rule["expr"]]
    assert rule["expr"] == "sum(increase(welno_journey_login_failures_total[1h])) > 100"
