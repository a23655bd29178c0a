"""The running product against its own OpenAPI document: no server error, no answer that is not in it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
import schemathesis
from hypothesis import given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.end_to_end.person import REPORT_PAGE, new_address
from tests.end_to_end.product import Product
from tests.repetition import bound_examples

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
# Never ends by itself; test_following.py reads it.
STREAMS = "/events$"


@dataclass(frozen=True)
class Owner:
    """What outlives the browser of the test that made it."""

    bearer: dict[str, str]
    ids: dict[str, str]


@pytest.fixture(scope="module")
def owner(running_product: Product) -> Owner:
    visit = running_product.meet().is_known_with().collects(redirect_path=REPORT_PAGE)
    return Owner(visit.bearer, {"session_id": visit.session_id, "patient_uuid": visit.patient_uuid})


Explore = Callable[..., int]


@pytest.fixture(scope="module")
def operations(running_product: Product) -> list[Any]:
    """Once for all tests: each keeps how to invent its calls, of which it takes seconds to think."""
    url = f"{running_product.web_url}/api/openapi.json"
    schema = schemathesis.openapi.from_url(url).exclude(path_regex=STREAMS)
    return [found.ok() for found in schema.get_all_operations()]


@pytest.fixture
def explore(product: Product, operations: list[Any], owner: Owner, is_full: bool) -> Explore:
    """Three invented calls of every operation, 100 with --full."""
    bounds = bound_examples(is_full=is_full, share=3, whole=100)
    return partial(call_everything, operations, owner, bounds)


def call_everything(
    operations: Sequence[Any],
    owner: Owner,
    bounds: settings,
    headers: dict[str, str],
    to_sign_out: dict[str, str] | None = None,
) -> int:
    """By turns at the owner's own things and at invented ones. Tells how many operations there are."""
    turn = iter(range(10**6))

    def send(case: schemathesis.Case) -> None:
        if next(turn) % 2 and case.method != "DELETE":
            case.path_parameters |= {name: owner.ids.get(name, value) for name, value in case.path_parameters.items()}
        # Signing out with the token of all others would leave them at the door.
        mine = to_sign_out if to_sign_out and case.path.endswith("/auth/logout") else headers
        case.call_and_validate(checks=CHECKS, headers=mine | {"X-Forwarded-For": new_address()}, timeout=20)

    for operation in operations:

        @bounds
        @given(case=operation.as_strategy())
        def explore_one(case: schemathesis.Case) -> None:
            send(case)

        explore_one()
    return len(operations)


@pytest.mark.repeated
def test_strangers_get_documented_answers_only(explore: Explore):
    assert explore({}) > 15


@pytest.mark.repeated
def test_an_owner_gets_documented_answers_only(explore: Explore, owner: Owner):
    assert explore(owner.bearer) > 15


@pytest.mark.repeated
def test_staff_get_documented_answers_only(explore: Explore, product: Product):
    assert explore(product.staff(), to_sign_out=product.staff()) > 15
