"""The running product against its own OpenAPI document: no server error, no answer that is not in it."""

from dataclasses import dataclass

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.end_to_end.person import REPORT_PAGE, new_address
from tests.end_to_end.product import Product

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
# Never ends by itself; test_following.py reads it.
STREAMS = "/api/v1/tilko/session/{session_id}/events"
EXAMPLES = 5


@dataclass(frozen=True)
class Owner:
    """What outlives the browser of the test that made it."""

    bearer: dict[str, str]
    ids: dict[str, str]


@pytest.fixture(scope="module")
def owner(running_product: Product) -> Owner:
    visit = running_product.meet().is_known_with().collects(redirect_path=REPORT_PAGE)
    return Owner(visit.bearer, {"session_id": visit.session_id, "patient_uuid": visit.patient_uuid})


def explore(product: Product, headers: dict[str, str], owner: Owner, to_sign_out: dict[str, str] | None = None) -> int:
    """Invented calls of every operation, by turns at the owner's own things and at invented ones."""
    schema = schemathesis.openapi.from_url(f"{product.web_url}/api/openapi.json").exclude(path=STREAMS)
    operations = [found.ok() for found in schema.get_all_operations()]
    turn = iter(range(10**6))

    def send(case: schemathesis.Case) -> None:
        if next(turn) % 2 and case.method != "DELETE":
            case.path_parameters |= {name: owner.ids.get(name, value) for name, value in case.path_parameters.items()}
        # Signing out with the token of all others would leave them at the door.
        mine = to_sign_out if to_sign_out and case.path.endswith("/sign-out") else headers
        case.call_and_validate(checks=CHECKS, headers=mine | {"X-Forwarded-For": new_address()}, timeout=20)

    for operation in operations:
        given(case=operation.as_strategy())(_bounded(send))()
    return len(operations)


def _bounded(send):
    def explore_one(case: schemathesis.Case) -> None:
        send(case)

    limits = settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True)
    return settings(limits, suppress_health_check=list(HealthCheck))(explore_one)


def test_strangers_get_documented_answers_only(product: Product, owner: Owner):
    assert explore(product, {}, owner) > 15


def test_an_owner_gets_documented_answers_only(product: Product, owner: Owner):
    assert explore(product, owner.bearer, owner) > 15


def test_staff_get_documented_answers_only(product: Product, owner: Owner):
    assert explore(product, product.staff(), owner, to_sign_out=product.staff()) > 15
