"""Calls for data that are made only when the phone has approved: 'not approved' is no new wait for the person."""

from collections.abc import Iterator
from contextlib import contextmanager

from upstream.tilko.errors import ApprovalUnknown, NotApproved, TilkoUnavailable


@contextmanager
def after_approval() -> Iterator[None]:
    """Raises ApprovalUnknown where Tilko says in its own words that it knows of no approval: one part of it hears of
    one later than another. A page, which may come from anybody in between, is TilkoUnavailable."""
    try:
        yield
    except NotApproved as exc:
        kind = TilkoUnavailable if exc.reason == "html" else ApprovalUnknown
        raise kind(reason="not_approved", http_status=exc.http_status, provider_code=exc.provider_code) from exc
