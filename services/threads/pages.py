"""Pages of a thread's items from their table: what of a range is still held, bounded by number and by bytes."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.threads.items import with_payload

# Asked of the rows' headers: a payload beyond the bound is not fetched.
_SIZE = "octet_length(body) + coalesce(octet_length(payload), 0) * 4 / 3"
_HELD = "thread_id = :id and seq > coalesce((select trimmed_seq from welno.welno_threads where id = :id), 0)"
_PAGE = """
    with next as (
        select seq, body, payload, {size} as size from welno.welno_thread_items
        where {held} and seq >= :first and seq < :before order by seq {order} limit :limit
    ), summed as (select seq, body, payload, size, sum(size) over (order by seq {order}) as total from next)
    select seq, body, payload from summed where total <= :max_bytes or total = size order by seq
"""
_OLDEST, _NEWEST = (text(_PAGE.format(size=_SIZE, held=_HELD, order=order)) for order in ("asc", "desc"))
_WINDOW_BEGIN = text(f"""
    with newest as (
        select seq, {_SIZE} as size from welno.welno_thread_items where {_HELD} order by seq desc limit :limit
    ), summed as (select seq, size, sum(size) over (order by seq desc) as total from newest)
    select coalesce(min(seq) - 1, 0) from summed where total <= :max_bytes or total = size
""")  # noqa: S608 our own names
_NO_END = 2**62


def read_page(
    session: Session,
    thread_id: str,
    *,
    first: int,
    before: int = _NO_END,
    limit: int,
    max_bytes: int,
    takes_newest: bool = False,
) -> list[tuple[int, bytes]]:
    """Numbers and whole bodies in order, from `first` on, or the newest below `before`; always one if there is any."""
    bounds = {"id": thread_id, "first": first, "before": before, "limit": limit, "max_bytes": max_bytes}
    rows = session.execute(_NEWEST if takes_newest else _OLDEST, bounds)
    return [(seq, with_payload(body.encode(), payload and bytes(payload))) for seq, body, payload in rows]


def find_window_begin(session: Session, thread_id: str, *, limit: int, max_bytes: int | None) -> int:
    """The number before the newest items that fit."""
    begin: int = session.execute(_WINDOW_BEGIN, {"id": thread_id, "limit": limit, "max_bytes": max_bytes}).scalar_one()
    return begin
