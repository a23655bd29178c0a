"""Asks a server over HTTP whether it truly answers."""

import http.client
import urllib.error
import urllib.request

_SECONDS = 3.0
# A proxy of the machine must not stand between us and 127.0.0.1.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def answers(url: str) -> bool:
    """True only for 200."""
    try:
        with _OPENER.open(url, timeout=_SECONDS) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, http.client.HTTPException, OSError):
        return False
