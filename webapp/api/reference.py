"""`/api/openapi.json`, and `/api/docs`: the same as a page, which loads nothing from anywhere."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, current_app
from markupsafe import Markup, escape

from webapp.api.rendered import answer_rendered
from webapp.auth import mark_access

blueprint = Blueprint("reference", __name__)
_POLICY = "default-src 'none'; style-src 'self' 'sha256-{digest}'; frame-ancestors 'none'; base-uri 'none'"
_METHODS = ("get", "post", "put", "patch", "delete")
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}"
    "code{font-family:ui-monospace,monospace}h2{margin-top:2.5rem}table{border-collapse:collapse;width:100%}"
    "td,th{border:1px solid #d0d7de;padding:.3rem .6rem;text-align:left;vertical-align:top}"
    "details{margin:.4rem 0}summary{cursor:pointer}"
)


@blueprint.get("/api/docs")
def show_reference() -> Response:
    """The reference of this API."""
    response = answer_rendered("reference", lambda: render_reference(_document()), "text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _POLICY.format(digest=_digest())
    return response


@blueprint.get("/api/openapi.json")
def show_document() -> Response:
    """The same for machines."""
    return answer_rendered("openapi", lambda: json.dumps(_document(), indent=2), "application/json")


for _function in (show_reference, show_document):
    mark_access(_function, "public")


def _document() -> dict[str, Any]:
    document: dict[str, Any] = current_app.extensions["welno_document"]()
    return document


def render_reference(document: dict[str, Any]) -> str:
    sections = Markup("").join(_sections(document))
    title = document["info"]["title"]
    return Markup(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        "<title>{title} API</title><style>{style}</style><h1>{title} API</h1>"
        "<p>The same for machines: <a href='/api/openapi.json'>/api/openapi.json</a> (OpenAPI {version}).</p>"
        "{description}{schemes}{sections}</html>"
    ).format(
        title=title,
        style=Markup(_STYLE),  # noqa: S704 our own text
        version=document["openapi"],
        description=_description(document["info"]["description"]),
        schemes=_schemes(document["components"]["securitySchemes"]),
        sections=sections,
    )


def _description(markdown: str) -> Markup:
    """Of headings, paragraphs, lists, `code` and **strong** words, which is all that ours has."""
    blocks = markdown.strip().split("\n\n")
    return Markup("").join(_block(block) for block in blocks)


def _block(block: str) -> Markup:
    if block.startswith("## "):
        return Markup("<h2 id=authentication>{}</h2>").format(block.removeprefix("## "))
    if block.startswith("- "):
        items = re.split(r"^- ", block, flags=re.MULTILINE)[1:]
        return Markup("<ul>{}</ul>").format(Markup("").join(Markup("<li>{}").format(_inline(item)) for item in items))
    return Markup("<p>{}</p>").format(_inline(block))


def _inline(text: str) -> Markup:
    shown = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    return Markup(re.sub(r"\*\*([^*]+)\*\*", r"<b>\1</b>", shown))  # noqa: S704 escaped above


def _schemes(schemes: dict[str, Any]) -> Markup:
    rows = Markup("").join(
        Markup("<tr><td><code>{}</code><td>{}<td>{}").format(
            name,
            f"cookie {scheme['name']}" if scheme["type"] == "apiKey" else "Authorization: Bearer",
            scheme.get("description", ""),
        )
        for name, scheme in schemes.items()
    )
    return Markup("<table><tr><th>name<th>sent as<th>meaning{}</table>").format(rows)


def _sections(document: dict[str, Any]) -> Iterator[Markup]:
    for path, operations in document["paths"].items():
        for method in _METHODS:
            if method in operations:
                yield _operation(path, method, operations[method], operations.get("parameters", []))
    yield Markup("<h2 id=schemas>Bodies</h2>")
    for name, schema in document["components"]["schemas"].items():
        yield _schema(name, schema)


def _operation(path: str, method: str, operation: dict[str, Any], shared: list[Any]) -> Markup:
    rows = Markup("").join(
        Markup("<tr><td>{}<td>{}<td>{}").format(status, response.get("description", ""), _body(response))
        for status, response in sorted(operation["responses"].items())
    )
    parameters = ", ".join(f"{item['name']} ({item['in']})" for item in [*shared, *operation.get("parameters", [])])
    asked = _body(operation.get("requestBody", {}))
    access = ", ".join(sorted({name for item in operation.get("security", []) for name in item})) or "public"
    return Markup(
        "<h2><code>{} {}</code></h2><p>{}</p><p>Parameters: {} · body: {} · access: {}</p>"
        "{}<table><tr><th>status<th>meaning<th>body{}</table>"
    ).format(
        method.upper(),
        path,
        operation.get("summary", ""),
        parameters or "none",
        asked or "none",
        access,
        _example(operation.get("requestBody", {})),
        rows,
    )


def _example(holder: dict[str, Any]) -> Markup:
    found = [media["example"] for media in holder.get("content", {}).values() if "example" in media]
    return Markup("").join(
        Markup("<pre><code>{}</code></pre>").format(json.dumps(one, ensure_ascii=False, indent=2)) for one in found
    )


def _body(holder: dict[str, Any]) -> Markup:
    for media in holder.get("content", {}).values():
        return _type(media.get("schema", {}))
    return Markup("")


def _schema(name: str, schema: dict[str, Any]) -> Markup:
    required = set(schema.get("required", []))
    rows = Markup("").join(
        Markup("<tr><td><code>{}</code><td>{}<td>{}<td>{}").format(
            field, _type(facts), "yes" if field in required else "", facts.get("description", "")
        )
        for field, facts in schema.get("properties", {}).items()
    )
    return Markup(
        "<details id='{0}'><summary><code>{0}</code></summary><table><tr><th>field<th>type<th>required<th>meaning{1}"
        "</table></details>"
    ).format(name, rows)


def _type(schema: dict[str, Any]) -> Markup:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return Markup("<a href='#{0}'>{0}</a>").format(name)
    if "items" in schema:
        return Markup("list of {}").format(_type(schema["items"]))
    if "allOf" in schema:
        return Markup(" with ").join(_type(part) for part in schema["allOf"])
    if "properties" in schema:
        return escape(", ".join(schema["properties"]))
    kinds = schema.get("type", "any")
    return escape(" or ".join(kinds) if isinstance(kinds, list) else kinds)


def _digest() -> str:
    return base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
