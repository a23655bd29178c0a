"""Documents that are made once in a process and then answered as they are, with an ETag."""

import hashlib
import json
from collections.abc import Callable, Mapping

from flask import Response, current_app, request

_KEY = "welno_rendered"


def answer_rendered(
    name: str, render: Callable[[], str], content_type: str, fill_in: Mapping[str, str] | None = None
) -> Response:
    """`render` is called the first time only. `fill_in`: what differs from caller to caller, by the JSON text that it
    takes the place of."""
    rendered: dict[str, str] = current_app.extensions.setdefault(_KEY, {})
    if name not in rendered:
        rendered[name] = render()
    text = rendered[name]
    for place, value in (fill_in or {}).items():
        text = text.replace(json.dumps(place), json.dumps(value))
    body = text.encode()
    response = Response(body, content_type=content_type)
    response.headers["Cache-Control"] = "no-cache"
    response.set_etag(hashlib.sha256(body).hexdigest()[:32])
    response.make_conditional(request)
    return response
