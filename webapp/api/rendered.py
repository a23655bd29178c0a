"""Documents that are made once in a process and then answered as they are, with an ETag."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask import Response, current_app, request

_KEY = "welno_rendered"


@dataclass(frozen=True)
class Rendered:
    body: bytes
    etag: str


def answer_rendered(
    name: str, render: Callable[[], str], content_type: str, fill_in: Mapping[str, str] | None = None
) -> Response:
    """`render` is called the first time only. `fill_in`: what differs from caller to caller, by the JSON text that it
    takes the place of."""
    kept: dict[str, Rendered] = current_app.extensions.setdefault(_KEY, {})
    if name not in kept:
        kept[name] = _keep(render().encode())
    rendered = _fill(kept[name], fill_in) if fill_in else kept[name]
    response = Response(rendered.body, content_type=content_type)
    response.headers["Cache-Control"] = "no-cache"
    response.set_etag(rendered.etag)
    response.make_conditional(request)
    return response


def _keep(body: bytes) -> Rendered:
    return Rendered(body, hashlib.sha256(body).hexdigest()[:32])


def _fill(rendered: Rendered, fill_in: Mapping[str, str]) -> Rendered:
    body = rendered.body
    for place, value in fill_in.items():
        body = body.replace(json.dumps(place).encode(), json.dumps(value).encode())
    return _keep(body)
