"""Calls for data that are made only when the phone has approved."""

from collections.abc import Iterator
from contextlib import contextmanager

from upstream.tilko.errors import NotApproved, TilkoUnavailable


@contextmanager
def after_approval() -> Iterator[None]:
    """'Not approved' is a passing fault from now on, and never a new wait: one part of the provider hears of an
    approval later than another, and a page may come from anybody in between. Raises TilkoUnavailable for it."""
    try:
        yield
    except NotApproved as exc:
        raise TilkoUnavailable(
            reason="not_approved", http_status=exc.http_status, provider_code=exc.provider_code
        ) from exc
