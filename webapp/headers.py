"""Headers that every answer carries."""

from flask import Response, request

from webapp.current import stores

# An answer of the API is data: a browser that is made to show it must load and run nothing. Pages set their own.
_DATA_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
# A module Worker lives by its script's own policy, to which Firefox holds the imports, too. It may ask for nothing
# else: the Worker of the threads has the keys.
_SCRIPT_POLICY = f"{_DATA_POLICY}; script-src 'self'"

_SCRIPTS = frozenset({"static", "pages_threads_scripts.crypto_worker"})

_HTTPS_ONLY = "max-age=31536000; includeSubDomains"


def harden(response: Response) -> Response:
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    is_script = request.endpoint in _SCRIPTS
    if not is_script:  # a script or a style opens no document, and a page has dozens of them
        response.headers.setdefault("X-Frame-Options", "DENY")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    response.headers.setdefault("Content-Security-Policy", _SCRIPT_POLICY if is_script else _DATA_POLICY)
    if stores().settings.web.cookie_secure:  # browsers read it over HTTPS alone
        response.headers.setdefault("Strict-Transport-Security", _HTTPS_ONLY)
    # Some say more of themselves: a live stream, that nobody on the way may change it; a document, that it may be kept.
    if request.path.startswith("/api/"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response
