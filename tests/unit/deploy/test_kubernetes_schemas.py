"""Kubernetes's own schemas, which kubernetes-validate carries, accept each document of docs/deploy/kubernetes."""

from typing import Any

import kubernetes_validate
import pytest

from .reading import manifests


@pytest.mark.parametrize("version", ["1.28", "1.37"])
@pytest.mark.parametrize("document", manifests(), ids=lambda one: f"{one['kind']} {one['metadata']['name']}")
def test_the_schemas_of_an_old_and_a_new_release_accept_it(document: dict[str, Any], version: str):
    kubernetes_validate.validate(document, version, strict=True)
