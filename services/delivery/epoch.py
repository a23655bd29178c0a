"""A new epoch for the event log: for after a restore, when numbers that readers have seen will be given again."""

import secrets
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from models.delivery import LogEpoch


def begin_epoch(session: Session, now: datetime) -> str:
    """Every reader is told to start anew once, and old streams are replaced. Epochs begin with their time, so that a
    later one is the greater text, whatever sender comes late; one that was there already is never given again."""
    current = session.execute(
        update(LogEpoch).values(created_at=LogEpoch.created_at).returning(LogEpoch.epoch)
    ).scalar_one()
    seconds = max(int(now.timestamp()), int(current[:8], 16) + 1)
    epoch = f"{seconds:08x}{secrets.token_hex(4)}"
    session.execute(update(LogEpoch).values(epoch=epoch))
    return epoch
