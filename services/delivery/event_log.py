"""The event log in PostgreSQL: events get their numbers here, in the transaction that causes them, and are read again.

Plain SQL, because numbering has to be one statement: the subject's counter is raised under its row lock, which is held
until the commit, so the order of numbers is the order of commits, there are no holes, and a rollback leaves none.

Errors: UnknownSubject (not retryable): events for a subject whose row does not exist.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from services.delivery.kinds import RowCounter, SubjectKind
from services.delivery.rewritten import note_rewritten
from streams import EventBatch, Position, encode_body

_BATCH_BYTES = 1024 * 1024
_EPOCH = text("select epoch from welno.welno_epoch")
_READ = text("""
    select seq, body from welno.welno_events
    where kind = :kind and subject = :subject and seq > :seq order by seq limit :limit
""")
_MENTIONING = text("""
    select seq, body from welno.welno_events
    where kind = :kind and subject = :subject and strpos(body, :mentioned) > 0 order by seq
""")
_REWRITE = text("update welno.welno_events set body = :body where kind = :kind and subject = :subject and seq = :seq")
_SHARED_ENDS = text("select subject, event_seq from welno.welno_subjects where subject = any(:subjects)")
# In the order that `sorted` gives, in which a unit numbers: a database may sort by the rules of a language.
_BEGIN_SHARED = text("""
    insert into welno.welno_subjects (subject, event_seq)
    select subject, 0 from unnest(cast(:subjects as text[])) as new (subject) order by subject collate "C"
    on conflict do nothing
""")
_LOCK_SHARED = text("""
    select subject, event_seq from welno.welno_subjects where subject = any(:subjects)
    order by subject collate "C" for update
""")
_ERASE = text("delete from welno.welno_events where kind = :kind and subject = any(:subjects)")
_ERASE_COUNTERS = text("delete from welno.welno_subjects where subject = any(:subjects)")


class UnknownSubject(Exception):
    """Nobody can number events of what does not exist."""

    retryable = False


@dataclass(frozen=True)
class SubjectEnd:
    """How far a subject has come: the number of its last event, and the revision of what its projection is made of."""

    subject: str
    seq: int
    revision: int | None


def written_events(numbered: str) -> str:
    """A common table expression that logs :bodies of :kind and :subject, after `numbered` has raised the counter and
    returned it as `event_seq`. For the statements of those who raise it together with more of their row."""
    return f"""written as (
        insert into welno.welno_events (kind, subject, seq, body)
        select cast(:kind as text), cast(:subject as text), {numbered}.event_seq - :count + place, body
        from {numbered}, unnest(cast(:bodies as text[])) with ordinality as new (body, place)
    )"""  # noqa: S608 a name of our own


def event_parameters(kind: SubjectKind, subject: str, bodies: Sequence[bytes]) -> dict[str, Any]:
    """What `written_events` wants."""
    texts = [body.decode() for body in bodies]
    return {"kind": kind.prefix, "subject": subject, "count": len(texts), "bodies": texts}


def number_events(session: Session, kind: SubjectKind, subject: str, bodies: Sequence[bytes]) -> EventBatch:
    """Log the events under the subject's next numbers. Locks its row until the end of the transaction."""
    parameters = event_parameters(kind, subject, bodies) | {"key": kind.key_of(subject)}
    row = session.execute(_numbering(kind), parameters).one_or_none()
    if row is None:
        raise UnknownSubject("the subject's row does not exist")
    return EventBatch(subject, row.epoch, row.event_seq - len(bodies) + 1, bodies)


@cache
def _numbering(kind: SubjectKind) -> TextClause:
    counter = kind.counter
    if isinstance(counter, RowCounter):
        raised = f"""
            update {counter.table} set event_seq = event_seq + :count, changed_at = clock_timestamp()
            where {counter.key_column} = cast(:key as {counter.key_type}) returning event_seq
        """  # noqa: S608 names of our own
    else:
        raised = f"""
            insert into {counter.table} as known (subject, event_seq) values (:key, :count)
            on conflict (subject) do update
            set event_seq = known.event_seq + :count, changed_at = clock_timestamp() returning event_seq
        """  # noqa: S608 names of our own
    return text(f"""
        with numbered as ({raised}), {written_events("numbered")}
        select event_seq, (select epoch from welno.welno_epoch) as epoch from numbered
    """)  # noqa: S608 names of our own


def erase_events(session: Session, kind: SubjectKind, subjects: Sequence[str]) -> int:
    """Delete what is logged of these subjects, and their counters where those are no rows of their domain; how many
    events. For the erasure of a person alone: else events go by age."""
    parameters = {"kind": kind.prefix, "subjects": list(subjects)}
    connection = session.connection()
    note_rewritten(session, subjects)
    if not isinstance(kind.counter, RowCounter):
        connection.execute(_ERASE_COUNTERS, parameters)
    return connection.execute(_ERASE, parameters).rowcount


def rewrite_events(
    session: Session,
    kind: SubjectKind,
    subject: str,
    mentioned: str,
    rewrite: Callable[[dict[str, Any]], dict[str, Any]],
) -> int:
    """Replace the bodies of those events of a subject that mention a text by what `rewrite` makes of them; how many
    are others now. Numbers stay. For redaction alone; the subject's stream has to be forgotten after the commit."""
    known = {"kind": kind.prefix, "subject": subject}
    connection = session.connection()
    rewritten = 0
    for seq, text_ in connection.execute(_MENTIONING, known | {"mentioned": mentioned}).all():
        body = orjson.loads(text_)
        changed = rewrite(body)
        if changed != body:
            connection.execute(_REWRITE, known | {"seq": seq, "body": encode_body(changed).decode()})
            rewritten += 1
    if rewritten:
        note_rewritten(session, [subject])
    return rewritten


def read_epoch(session: Session) -> str:
    """The life of this database's numbers."""
    epoch: str = session.execute(_EPOCH).scalar_one()
    return epoch


def read_batch(
    session: Session, kind: SubjectKind, subject: str, after: Position, limit: int, *, max_bytes: int = _BATCH_BYTES
) -> EventBatch | None:
    """The logged events after a number, of the epoch that `after` names; None when there are none. The first need not
    follow it: what is older than the log keeps is gone. Only a log of the kind's own goes by the bytes, too."""
    if kind.log is not None:
        found = kind.log.read(session, kind.key_of(subject), after.seq, limit, max_bytes)
        return EventBatch(subject, after.epoch, found[0][0], [body for _, body in found]) if found else None
    parameters = {"kind": kind.prefix, "subject": subject, "seq": after.seq, "limit": limit}
    rows = session.execute(_READ, parameters).all()
    if not rows:
        return None
    return EventBatch(subject, after.epoch, rows[0].seq, [row.body.encode() for row in rows])


def read_ends(session: Session, kind: SubjectKind, subjects: Sequence[str]) -> dict[str, int]:
    """The numbers of the last events of many subjects of one kind; 0 for a subject without any."""
    counter = kind.counter
    key, key_type = (
        ("subject", "text") if not isinstance(counter, RowCounter) else (counter.key_column, counter.key_type)
    )
    statement = text(f"""
        select {key} as key, {counter.seq_column} as event_seq from {counter.table}
        where {key} = any(cast(:keys as {key_type}[]))
    """)  # noqa: S608 names of our own
    rows = session.execute(statement, {"keys": [kind.key_of(subject) for subject in subjects]})
    return dict.fromkeys(subjects, 0) | {kind.subject_of(row.key): row.event_seq for row in rows}


def read_shared_ends(session: Session, subjects: Collection[str]) -> dict[str, int]:
    """As `read_ends`, of subjects of any kinds that have no rows of their own."""
    rows = session.execute(_SHARED_ENDS, {"subjects": list(subjects)})
    return dict.fromkeys(subjects, 0) | {row.subject: row.event_seq for row in rows}


def lock_shared_ends(session: Session, subjects: Collection[str]) -> dict[str, int]:
    """The same, locked until the end of the transaction: nobody can tell of them before this one does. In the order of
    all who number."""
    parameters = {"subjects": list(subjects)}
    session.execute(_BEGIN_SHARED, parameters)
    return {row.subject: row.event_seq for row in session.execute(_LOCK_SHARED, parameters)}


def read_changed(
    session: Session, kind: SubjectKind, *, window_seconds: float, settle_seconds: float, after: str | None, limit: int
) -> list[tuple[str, SubjectEnd]]:
    """Subjects that changed within the window, but not within the last `settle_seconds`: (key, end) in the order of
    keys, after one. By the database's clock alone."""
    counter = kind.counter
    is_row = isinstance(counter, RowCounter)
    key, key_type = (counter.key_column, counter.key_type) if isinstance(counter, RowCounter) else ("subject", "text")
    revision = "revision" if is_row and counter.has_revision else "null"  # type: ignore[union-attr] # just asked
    statement = text(f"""
        select {key} as key, {counter.seq_column} as event_seq, {revision} as revision from {counter.table}
        where changed_at > clock_timestamp() - make_interval(secs => :window)
            and changed_at <= clock_timestamp() - make_interval(secs => :settle)
            and (cast(:after as {key_type}) is null or {key} > cast(:after as {key_type}))
        order by {key} limit :limit
    """)  # noqa: S608 names of our own
    parameters = {"window": window_seconds, "settle": settle_seconds, "after": after, "limit": limit}
    rows = session.execute(statement, parameters)
    return [(str(row.key), SubjectEnd(kind.subject_of(row.key), row.event_seq, row.revision)) for row in rows]
