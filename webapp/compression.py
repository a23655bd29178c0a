"""Answers that are worth it are compressed for who takes that, off the loop."""

import gzip

from flask import Response, request

from webapp.offloop import run_off_loop

# Less than this fits into one packet anyway.
WORTH_BYTES = 1400
_LEVEL = 6


def takes_gzip() -> bool:
    return request.accept_encodings.quality("gzip") > 0


def compress(response: Response) -> Response:
    """Of what repeats nothing that a stranger sends: by the length of such an answer they could guess the rest."""
    response.vary.add("Accept-Encoding")
    body = response.get_data()
    if takes_gzip() and len(body) >= WORTH_BYTES:
        response.set_data(run_off_loop(gzip.compress, body, _LEVEL))
        response.headers["Content-Encoding"] = "gzip"
    return response
