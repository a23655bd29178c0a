"""The document's examples are bodies that the API takes, and it says how one signs in."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import validate

from webapp.api.examples import EXAMPLES
from webapp.api.fields import InputSchema

# What the SDK makes, with keys and signatures of a device (docs/threads.md), and what is no JSON.
_MADE_BY_THE_SDK = ("/api/threads", "/api/shl")


def inputs(kind: type[InputSchema] = InputSchema) -> Iterator[type[InputSchema]]:
    for inner in kind.__subclasses__():
        yield inner
        yield from inputs(inner)


def bodies(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and what is said of the JSON that it takes."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if isinstance(operation, dict) and "requestBody" in operation:
                for kind, media in operation["requestBody"]["content"].items():
                    if kind == "application/json":
                        yield method, path, media


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    found: dict[str, Any] = app.test_client().get("/api/openapi.json").json
    return found


def test_each_body_has_an_example(document: dict[str, Any]):
    without = [(method, path) for method, path, media in bodies(document) if "example" not in media]
    assert [one for one in without if not one[1].startswith(_MADE_BY_THE_SDK)] == []


def test_each_example_is_of_a_body(document: dict[str, Any]):
    shown = [media["example"] for _, _, media in bodies(document) if "example" in media]
    assert [name for name, example in EXAMPLES.items() if example not in shown] == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_taken(app: Flask, name: str):
    [schema] = {kind for kind in inputs() if kind.__name__ == name}
    with app.test_request_context():
        assert schema().validate(dict(EXAMPLES[name])) == {}


def test_the_document_says_how_one_signs_in(app: Flask, document: dict[str, Any]):
    schemes = document["components"]["securitySchemes"]
    assert [name for name, scheme in schemes.items() if not scheme.get("description")] == []
    assert "## Authentication" in document["info"]["description"]
    page = app.test_client().get("/api/docs").text
    assert all(f"<td><code>{name}</code>" in page for name in schemes)
    assert "<h2 id=authentication>" in page


def test_every_way_in_that_it_names_is_there(document: dict[str, Any]):
    words = document["info"]["description"].split("`")
    named = {tuple(word.split(" ", 1)) for word in words if word.startswith("POST /")}
    there = {(method.upper(), path) for path, operations in document["paths"].items() for method in operations}
    assert named - there == set()


def test_the_document_is_openapi(document: dict[str, Any]):
    """Clients are generated from it, by tools that refuse one that is not."""
    validate(document)


def test_an_upload_with_a_file_has_the_fields_of_one_without(app: Flask, document: dict[str, Any]):
    bodies = document["paths"]["/api/workflow/async"]["post"]["requestBody"]["content"]
    fields, file = bodies["multipart/form-data"]["schema"]["allOf"]
    assert fields == bodies["application/json"]["schema"]
    assert list(file["properties"]) == ["file"]
    assert "body: <a href='#UploadInput'>UploadInput</a> with file ·" in app.test_client().get("/api/docs").text
