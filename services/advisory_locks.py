"""Locks by a name, for what has no row yet to lock. PostgreSQL holds them until the transaction ends, whatever ends it.

Two names that hash alike, or are the same by chance, only wait for each other. A version that is rolled out beside an
older one takes the same lock only while both give it the same name.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

_LOCK = text("select pg_advisory_xact_lock(hashtextextended(:name, :seed))")
_LOCK_SHARED = text("select pg_advisory_xact_lock_shared(hashtextextended(:name, 0))")
_TRY_LOCK = text("select pg_try_advisory_xact_lock(hashtextextended(:name, 0))")


def lock_name(session: Session, name: str, *, seed: int = 0) -> None:
    """Waits for whoever holds it, shared or not. Under another `seed` the same name is another lock."""
    session.execute(_LOCK, {"name": name, "seed": seed})


def lock_name_shared(session: Session, name: str) -> None:
    """Waits for whoever holds it alone, and for nobody who shares it."""
    session.execute(_LOCK_SHARED, {"name": name})


def try_lock_name(session: Session, name: str) -> bool:
    """Waits for nobody: False when somebody holds it."""
    return bool(session.execute(_TRY_LOCK, {"name": name}).scalar_one())
