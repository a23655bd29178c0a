"""The journey against its own document: no server error and no undocumented answer, whatever a patient or staff ask."""

from collections.abc import Callable
from contextlib import suppress

import pytest
import schemathesis
from flask import Flask
from hypothesis import given
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.repetition import bound_examples

from .conftest import Desk, Phone
from .test_actions import arrive

_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
_OURS = "/(patient-journey|queue|staff|nfc|notifications|admin/(rooms|exams|tags|displays|staff)|state-definitions)"
_NO_STREAM = "/events$"


@pytest.fixture
def explore(app: Flask, is_full: bool) -> Callable[[dict[str, str], str], int]:
    """Three invented cases of every operation, 100 with --full, with this token; tells how many operations."""
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app)
    chosen = schema.include(path_regex=_OURS).exclude(path_regex=_NO_STREAM)
    operations = [found.ok() for found in chosen.get_all_operations()]
    bounds = bound_examples(is_full=is_full, share=3, whole=100)

    def run(headers: dict[str, str], queue_id: str) -> int:
        for operation in operations:

            @bounds
            @given(case=operation.as_strategy())
            def send(case: schemathesis.Case) -> None:
                if "queue_id" in case.path_parameters:
                    case.path_parameters["queue_id"] = queue_id
                with suppress(KeyError, TypeError, ValueError):
                    case.query["wait"] = min(float(case.query["wait"]), 0.1)
                case.call_and_validate(headers=headers, checks=_CHECKS)

            send()
        return len(operations)

    return run


@pytest.fixture
def queue_id(phone: Phone) -> str:
    arrive(phone)
    entry: str = phone.ask("POST", "/queue/join", json={"exam_id": "EX-BLOOD"}).json["queue"]["queue_id"]
    return entry


@pytest.mark.repeated
def test_a_patient_gets_documented_answers_only(explore: Callable[..., int], phone: Phone, queue_id: str):
    assert explore(phone.bearer, queue_id) > 30


@pytest.mark.repeated
def test_an_admin_gets_documented_answers_only(explore: Callable[..., int], chief: Desk, queue_id: str):
    assert explore(chief.bearer, queue_id) > 30
