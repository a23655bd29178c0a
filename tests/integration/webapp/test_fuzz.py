"""The API against its own document: no server error and no undocumented answer, whatever is asked."""

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

from .people import Person

_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
# They never end by themselves: test_sockets.py reads them, test_live.py the journey's, test_stream.py the interviews'.
_STREAMS = "(/events|/api/sse/.*)$"
_LONGEST_WAIT_SECONDS = 60


RunExamples = Callable[[Callable[[schemathesis.Case], None]], int]


@pytest.fixture
def run_examples(app: Flask, is_full: bool) -> RunExamples:
    """Calls it with five invented cases of every operation, 200 with --full; tells how many operations there are."""
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app).exclude(path_regex=_STREAMS)
    operations = [found.ok() for found in schema.get_all_operations()]
    bounds = bound_examples(is_full=is_full, share=5, whole=200)

    def run(send: Callable[[schemathesis.Case], None]) -> int:
        for operation in operations:

            @bounds
            @given(case=operation.as_strategy())
            def explore(case: schemathesis.Case) -> None:
                case.headers["Accept-Encoding"] = "identity"  # in process nobody decodes an answer
                send(case)

            explore()
        return len(operations)

    return run


@pytest.mark.repeated
def test_a_stranger_gets_documented_answers_only(run_examples: RunExamples):
    assert run_examples(lambda case: case.call_and_validate(checks=_CHECKS)) > 15


@pytest.mark.repeated
def test_an_owner_gets_documented_answers_only(run_examples: RunExamples, owner: Person):
    def send(case: schemathesis.Case) -> None:
        aim(case, owner)
        case.call_and_validate(headers=owner.bearer, checks=_CHECKS)

    assert run_examples(send) > 15


@pytest.mark.repeated
def test_staff_get_documented_answers_only(run_examples: RunExamples, new_staff: Callable[[], dict[str, str]]):
    staff = new_staff()

    def send(case: schemathesis.Case) -> None:
        # Signing out with the token of all others would leave them at the door.
        headers = new_staff() if case.path.endswith("/auth/logout") else staff
        case.call_and_validate(headers=headers, checks=_CHECKS)

    assert run_examples(send) > 15


def aim(case: schemathesis.Case, owner: Person) -> None:
    """At the owner's own things, so that the fuzz gets past the door; not to end the session it lives on."""
    if "session_id" in case.path_parameters and case.method != "DELETE":
        case.path_parameters["session_id"] = owner.session_id
    if "patient_uuid" in case.path_parameters:
        case.path_parameters["patient_uuid"] = str(owner.patient_uuid)
    with suppress(KeyError, TypeError, ValueError):
        if 1 < float(case.query["wait"]) <= _LONGEST_WAIT_SECONDS:
            case.query["wait"] = 1  # a poll that may wait does so to the end, as nothing happens here


@pytest.mark.parametrize("path", ["/api/openapi.json"])
def test_the_document_is_openapi_3_1(app: Flask, path: str):
    document = app.test_client().get(path).json
    assert document["openapi"] == "3.1.0"
    assert all(
        "default" not in operation["responses"]
        for item in document["paths"].values()
        for name, operation in item.items()
        if name != "parameters"
    )
